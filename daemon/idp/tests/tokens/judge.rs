//! The emulated Identity Center before a client that others wrote: it has to be one for boto3 too.

use keyfob_tests::{Emulator, IdentityCenter, Run, parts, visit};
use std::process::{Command, Stdio};

/// Signs in by a device code, renews once, and prints an access key of a role; the page is opened in between.
const CLIENT: &str = r#"
import boto3, sys, urllib.request
from botocore import UNSIGNED
from botocore.config import Config
url = sys.argv[1]
config = Config(signature_version=UNSIGNED, retries={"max_attempts": 0})
oidc = boto3.client("sso-oidc", region_name="eu-west-1", endpoint_url=url, config=config)
sso = boto3.client("sso", region_name="eu-west-1", endpoint_url=url, config=config)
client = oidc.register_client(clientName="judge", clientType="public", scopes=["sso:account:access"])
known = {"clientId": client["clientId"], "clientSecret": client["clientSecret"]}
device = oidc.start_device_authorization(startUrl=url + "/start", **known)
by_device = {"grantType": "urn:ietf:params:oauth:grant-type:device_code", "deviceCode": device["deviceCode"]}
try:
    oidc.create_token(**known, **by_device)
except oidc.exceptions.AuthorizationPendingException:
    pass
try:
    oidc.create_token(**known, **by_device)
except oidc.exceptions.SlowDownException:
    pass
urllib.request.urlopen(device["verificationUriComplete"]).read()
import time
time.sleep(device["interval"])
first = oidc.create_token(**known, **by_device)
by_refresh = {"grantType": "refresh_token", "refreshToken": first["refreshToken"]}
second = oidc.create_token(**known, **by_refresh)
assert second["refreshToken"] != first["refreshToken"] and second["expiresIn"] > 0
try:
    oidc.create_token(**known, **by_refresh)
    sys.exit("a refresh token was good twice")
except oidc.exceptions.InvalidGrantException:
    pass
token = second["accessToken"]
accounts = sso.get_paginator("list_accounts").paginate(accessToken=token).build_full_result()["accountList"]
assert [account["accountId"] for account in accounts] == ["111122223333"], accounts
roles = sso.get_paginator("list_account_roles").paginate(accessToken=token, accountId="111122223333")
assert [role["roleName"] for role in roles.build_full_result()["roleList"]] == ["A", "B"]
try:
    sso.get_role_credentials(accessToken="x", accountId="111122223333", roleName="A")
    sys.exit("any access token is good")
except sso.exceptions.UnauthorizedException:
    pass
keys = sso.get_role_credentials(accessToken=token, accountId="111122223333", roleName="A")["roleCredentials"]
sts = boto3.client("sts", region_name="eu-west-1", endpoint_url=sys.argv[2], aws_access_key_id=keys["accessKeyId"],
    aws_secret_access_key=keys["secretAccessKey"], aws_session_token=keys["sessionToken"])
print(sts.get_caller_identity()["Arn"])
"#;

#[test]
fn a_client_of_others_signs_in_and_its_role_is_known_to_the_aws_beside() {
    let Some(python) = parts::python("boto3") else { return };
    let aws = Emulator::start();
    let center = IdentityCenter::beside(&aws);
    ["A", "B"].iter().for_each(|role| center.assign("111122223333", "main", role));
    center.page_size(1);
    let mut command = Command::new(python);
    command.args(["-c", CLIENT, &center.url(), &aws.sts_url()]).stdin(Stdio::null());
    let run = Run::from(command.output().unwrap());
    assert!(run.ok().starts_with("arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_A_"), "{run:?}");
    assert!(visit(&format!("{}/device?user_code=X", center.url())).starts_with("HTTP/1.1 404"));
}
