#!/usr/bin/env bash
# Makes a role for the job function power-user. It may be run again; a role keyfob-power-user that is there
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

role 'keyfob-power-user' '{"Statement":[{"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"login.example.com/realms/x:aud":"%{keyfob}"},"StringLike":{"login.example.com/realms/x:sub":"team-*"}},"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/login.example.com/realms/x"}}],"Version":"2012-10-17"}' \
  'Job function power-user: develops applications, and creates and configures all that they need' 3600
policy 'keyfob-power-user' 'arn:aws:iam::aws:policy/PowerUserAccess'
