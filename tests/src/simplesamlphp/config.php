<?php
$here = getenv('IDP_HERE');
$config = [
    'baseurlpath' => 'http://127.0.0.1:' . getenv('IDP_PORT') . '/',
    'certdir' => $here,
    'loggingdir' => $here,
    'datadir' => $here,
    'tempdir' => $here,
    'metadatadir' => "$here/metadata",
    'metadata.sources' => [['type' => 'flatfile']],
    'secretsalt' => 'of a test',
    'auth.adminpassword' => getenv('IDP_PASSWORD'),
    'technicalcontact_email' => 'na@example.org',
    'timezone' => 'UTC',
    'enable.saml20-idp' => true,
    'module.enable' => ['core' => true, 'exampleauth' => true, 'saml' => true],
    'store.type' => 'phpsession',
    'session.phpsession.savepath' => $here,
    'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    'logging.handler' => 'file',
    'language.default' => 'en',
    'language.available' => ['en'],
];
