#!/usr/bin/env bash
# Makes a role for the job function system-administrator. It may be run again; a role keyfob-system-administrator that is there
# already gets this trust policy.
set -eu
export AWS_PAGER=

exists() { aws iam get-role --role-name "$1" >/dev/null 2>&1; }

# role NAME TRUST DESCRIPTION SECONDS: makes the role, or gives it this trust policy and duration
role() {
  if exists "$1"; then
    aws iam update-assume-role-policy --role-name "$1" --policy-document "$2"
    aws iam update-role --role-name "$1" --description "$3" --max-session-duration "$4" >/dev/null
    echo "updated role $1"
  else
    aws iam create-role --role-name "$1" --assume-role-policy-document "$2" --description "$3" \
      --max-session-duration "$4" >/dev/null
    echo "created role $1"
  fi
}

# service_role NAME TRUST DESCRIPTION: makes the role, unless it is there
service_role() {
  if exists "$1"; then
    echo "role $1 is there, and keeps its trust policy"
  else
    aws iam create-role --role-name "$1" --assume-role-policy-document "$2" --description "$3" >/dev/null
    echo "created role $1"
  fi
}

# policy NAME ARN: lets the role do what a managed policy allows
policy() {
  aws iam attach-role-policy --role-name "$1" --policy-arn "$2"
  echo "attached $2 to role $1"
}

# instance_profile NAME: carries the role of that name to EC2
instance_profile() {
  aws iam get-instance-profile --instance-profile-name "$1" >/dev/null 2>&1 ||
    aws iam create-instance-profile --instance-profile-name "$1" >/dev/null
  roles=$(aws iam get-instance-profile --instance-profile-name "$1" \
    --query 'InstanceProfile.Roles[].RoleName' --output text)
  [ -n "$roles" ] || aws iam add-role-to-instance-profile --instance-profile-name "$1" --role-name "$1"
  echo "instance profile $1 is there"
}

role 'keyfob-system-administrator' '{"Statement":[{"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}},"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"}},{"Action":["sts:TagSession","sts:SetSourceIdentity"],"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"}}],"Version":"2012-10-17"}' \
  'Job function system-administrator: sets up and maintains the resources of development and operations' 14400
policy 'keyfob-system-administrator' 'arn:aws:iam::aws:policy/job-function/SystemAdministrator'

service_role 'ecr-sysadmin-team' '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"}}],"Version":"2012-10-17"}' \
  'Lets applications on the EC2 instances of an ECS cluster use ECS'
policy 'ecr-sysadmin-team' 'arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role'
instance_profile 'ecr-sysadmin-team'

service_role 'rds-monitoring-role' '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"monitoring.rds.amazonaws.com"}}],"Version":"2012-10-17"}' \
  'Lets RDS send the metrics of Enhanced Monitoring to CloudWatch Logs'
policy 'rds-monitoring-role' 'arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole'

service_role 'ec2-sysadmin-team' '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"}}],"Version":"2012-10-17"}' \
  'Lets applications on EC2 instances use resources of AWS; add what the applications need, as access to a bucket of S3'
instance_profile 'ec2-sysadmin-team'

service_role 'lambda-sysadmin-team' '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"}}],"Version":"2012-10-17"}' \
  'Lets Lambda read streams of DynamoDB and write to CloudWatch Logs'
policy 'lambda-sysadmin-team' 'arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole'
