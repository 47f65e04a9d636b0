#!/usr/bin/env bash
# Makes a role for the job function database-administrator. It may be run again; a role keyfob-database-administrator that is there
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

role 'keyfob-database-administrator' '{"Statement":[{"Action":"sts:AssumeRoleWithSAML","Condition":{"StringEquals":{"SAML:aud":"https://signin.amazonaws.cn/saml"}},"Effect":"Allow","Principal":{"Federated":"arn:aws-cn:iam::111122223333:saml-provider/corp"}}],"Version":"2012-10-17"}' \
  'Job function database-administrator: sets up, configures and maintains databases' 3600
policy 'keyfob-database-administrator' 'arn:aws-cn:iam::aws:policy/job-function/DatabaseAdministrator'

service_role 'rds-monitoring-role' '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"monitoring.rds.amazonaws.com"}}],"Version":"2012-10-17"}' \
  'Lets RDS send the metrics of Enhanced Monitoring to CloudWatch Logs'
policy 'rds-monitoring-role' 'arn:aws-cn:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole'

service_role 'rdbms-lambda-access' '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"}}],"Version":"2012-10-17"}' \
  'Lets a database on EC2 call functions of Lambda, which watch it or reach other databases'
policy 'rdbms-lambda-access' 'arn:aws-cn:iam::aws:policy/AWSLambda_FullAccess'
instance_profile 'rdbms-lambda-access'

service_role 'lambda_exec_role' '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"}}],"Version":"2012-10-17"}' \
  'Lets Lambda load files from S3 into clusters of Redshift, with tables of DynamoDB; add what the loader for Redshift needs'

service_role 'lambda-dynamodb-keyfob' '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"}}],"Version":"2012-10-17"}' \
  'Lets functions of Lambda be triggers of DynamoDB tables'
policy 'lambda-dynamodb-keyfob' 'arn:aws-cn:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole'

service_role 'lambda-vpc-execution-role' '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"}}],"Version":"2012-10-17"}' \
  'Lets functions of Lambda reach RDS within a VPC'
policy 'lambda-vpc-execution-role' 'arn:aws-cn:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole'

service_role 'DataPipelineDefaultRole' '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["datapipeline.amazonaws.com","elasticmapreduce.amazonaws.com.cn"]}}],"Version":"2012-10-17"}' \
  'Lets Data Pipeline use resources of AWS; add what the pipelines need'

service_role 'DataPipelineDefaultResourceRole' '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"}}],"Version":"2012-10-17"}' \
  'Lets applications on EC2 instances that Data Pipeline starts use resources of AWS'
policy 'DataPipelineDefaultResourceRole' 'arn:aws-cn:iam::aws:policy/service-role/AmazonEC2RoleforDataPipelineRole'
instance_profile 'DataPipelineDefaultResourceRole'
