<?php
$of = 'https://aws.amazon.com/SAML/Attributes/';
$iam = 'arn:aws:iam::123456789012';
$attributes = [
    "{$of}Role" => array_map(fn ($role) => "$iam:role/$role,$iam:saml-provider/idp", explode(',', getenv('IDP_ROLES'))),
    "{$of}RoleSessionName" => ['alice'],
    "{$of}SessionDuration" => ['3600'],
];
$config = ['users' => ['exampleauth:UserPass', 'alice:' . getenv('IDP_PASSWORD') => $attributes]];
