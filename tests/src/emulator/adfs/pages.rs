//! Pages of AD FS, in the form of its versions 2016 to 2022.

pub(super) const PATH: &str = "/adfs/ls/IdpInitiatedSignOn.aspx";
pub(super) const WRONG: &str =
    "Incorrect user ID or password. Type the correct user ID and password, and try again.";

fn page(title: &str, body: &str) -> String {
    format!(
        r#"<!DOCTYPE html>
<html lang="en-US">
<head><meta charset="utf-8"/><title>{title}</title>
<script type="text/javascript">
//<![CDATA[
function LoginErrors(){{this.userNameFormatError = 'Enter your user ID in the format "domain\\user" or "user@domain".';}}
document.write("<form action='/nowhere'><input type='password' name='script'></form>");
//]]>
</script>
<style>.illustrationClass {{background-image:url(/adfs/portal/illustration/illustration.png);}}</style>
</head>
<body dir="ltr" class="body"><div id="fullPage"><div id="workArea"><div id="authArea" class="groupMargin">
{body}
</div></div></div></body></html>
"#
    )
}

/// The sign-in page; the error stands in it as it is.
pub(super) fn sign_in(action: &str, error: &str) -> String {
    page(
        "Sign In",
        &format!(
            r##"<div id="loginArea"><div id="loginMessage" class="groupMargin">Sign in with your organizational account</div>
<form method="post" id="loginForm" autocomplete="off" novalidate="novalidate" action="{action}">
<div id="error" class="fieldMargin error smallText"><label id="errorText" for="">{error}</label></div>
<div id="formsAuthenticationArea">
<div id="userNameArea"><label id="userNameInputLabel" for="userNameInput" class="hidden">User Account</label>
<input id="userNameInput" name="UserName" type="email" value="" tabindex="1" placeholder="someone@example.com" autocomplete="off"/></div>
<div id="passwordArea"><label id="passwordInputLabel" for="passwordInput" class="hidden">Password</label>
<input id="passwordInput" name="Password" type="password" tabindex="2" placeholder="Password" autocomplete="off"/></div>
<div id="kmsiArea" style="display:none"><input type="checkbox" name="Kmsi" id="kmsiInput" value="true" tabindex="3"/><label for="kmsiInput">Keep me signed in</label></div>
<div id="submissionArea"><span id="submitButton" class="submit" tabindex="4" role="button">Sign in</span></div>
</div>
<input id="optionForms" type="hidden" name="AuthMethod" value="FormsAuthentication"/>
</form>
<div id="authOptions"><form id="options" method="post" action="{action}"><input id="optionSelection" type="hidden" name="AuthMethod"/></form></div></div>"##
        ),
    )
}

/// The page for a code.
pub(super) fn code(context: &str, error: &str) -> String {
    second_factor(
        context,
        error,
        r#"<label for="verificationCodeInput">Enter the verification code from your app</label>
<input id="verificationCodeInput" name="VerificationCode" type="text" value=""/><input type="submit" name="SignIn" value="Sign in"/>"#,
    )
}

/// The page that waits for a telephone.
pub(super) fn push(context: &str, error: &str) -> String {
    second_factor(
        context,
        error,
        r#"<p>We've sent a notification to your mobile device. Enter the number 42 there.</p>
<input type="hidden" name="__EVENTTARGET" value=""/>
<script>window.setTimeout(function () { document.forms['loginForm'].submit(); }, 5000);</script>"#,
    )
}

/// The page with several second factors.
pub(super) fn choice(context: &str) -> String {
    page(
        "Sign In",
        &format!(
            r##"<div id="loginArea"><div id="mfaGreetingDescription">For security reasons, we require additional information to verify your account</div>
<div id="authOptions"><form id="options" method="post" action="{PATH}?loginToRp=urn:amazon:webservices">
<script type="text/javascript">function SelectOption(option) {{ document.getElementById('optionSelection').value = option; document.forms['options'].submit(); return false; }}</script>
<input id="optionSelection" type="hidden" name="AuthMethod"/><input id="context" type="hidden" name="Context" value="{context}"/>
<div class="groupMargin"><a class="actionLink" href="#" onclick="return SelectOption('CertificateAuthentication');">Use a certificate</a></div>
<div class="groupMargin"><a class="actionLink" href="#" onclick="return SelectOption('AzureMfaAuthentication');">Use an app</a></div>
</form></div></div>"##
        ),
    )
}

fn second_factor(context: &str, error: &str, fields: &str) -> String {
    page(
        "Sign In",
        &format!(
            r##"<div id="loginArea"><div id="mfaGreetingDescription">For security reasons, we require additional information to verify your account</div>
<form method="post" id="loginForm" autocomplete="off" novalidate="novalidate">
<div id="errorMfa" class="error">{error}</div>
<input id="authMethod" type="hidden" name="AuthMethod" value="AzureMfaAuthentication"/>
<input id="context" type="hidden" name="Context" value="{context}"/>
{fields}
</form>
<form id="options" method="post" action="{PATH}"><input id="optionSelection" type="hidden" name="AuthMethod"/></form></div>"##
        ),
    )
}

/// The page that carries the response to AWS.
pub(super) fn working(action: &str, response: &str) -> String {
    format!(
        r#"<html><head><title>Working...</title></head><body><form method="POST" name="hiddenform" action="{action}"><input type="hidden" name="SAMLResponse" value="{response}" /><noscript><p>Script is disabled. Click Submit to continue.</p><input type="submit" value="Submit" /></noscript></form><script language="javascript">window.setTimeout('document.forms[0].submit()', 0);</script></body></html>"#
    )
}

/// The page for a new password.
pub(super) fn new_password() -> String {
    page(
        "Update Password",
        r#"<form method="post" id="updatePasswordForm" action="/adfs/portal/updatepassword/">
<input id="userNameInput" name="UserName" type="text"/><input name="OldPassword" type="password"/><input name="NewPassword" type="password"/><input name="ConfirmNewPassword" type="password"/></form>"#,
    )
}
