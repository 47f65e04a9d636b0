//! Requests of strangers, and the statuses that they get.

/// The connection is closed: an answer would not be understood.
pub(crate) const CLOSED: u16 = 0;

/// A name, the request, and the status that it gets.
pub(crate) const HOSTILE: &[(&str, &str, u16)] = &[
    ("no Host", "GET /credentials HTTP/1.1\r\nAuthorization: TOKEN\r\n\r\n", 403),
    ("empty Host", "GET /credentials HTTP/1.1\r\nHost:\r\nAuthorization: TOKEN\r\n\r\n", 403),
    (
        "foreign Host",
        "GET /credentials HTTP/1.1\r\nHost: evil.example:PORT\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "Host of a rebound name",
        "GET /credentials HTTP/1.1\r\nHost: a.evil.example\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "Host localhost",
        "GET /credentials HTTP/1.1\r\nHost: localhost:PORT\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "Host without the port",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "Host with another port",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "Host with a user",
        "GET /credentials HTTP/1.1\r\nHost: a@127.0.0.1:PORT\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "Host with a dot at the end",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1.:PORT\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "Host as another form of loopback",
        "GET /credentials HTTP/1.1\r\nHost: 127.1:PORT\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    ("Host of IPv6", "GET /credentials HTTP/1.1\r\nHost: [::1]:PORT\r\nAuthorization: TOKEN\r\n\r\n", 403),
    (
        "two Hosts",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nHost: evil.example\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "the same Host twice",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "absolute URI",
        "GET http://127.0.0.1:PORT/credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\n\r\n",
        400,
    ),
    (
        "absolute URI of another host",
        "GET http://evil.example/credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\n\r\n",
        400,
    ),
    (
        "CONNECT",
        "CONNECT 127.0.0.1:PORT HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\n\r\n",
        400,
    ),
    (
        "forwarded",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nForwarded: for=10.0.0.1\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "forwarded for",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nX-Forwarded-For: 10.0.0.1\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "forwarded host",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nX-FORWARDED-HOST: a\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "real address",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nX-Real-IP: 10.0.0.1\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "through a proxy",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nVia: 1.1 a\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "for a proxy",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nProxy-Authorization: a\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "Origin",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nOrigin: http://evil.example\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "Origin null",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nOrigin: null\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "Origin of its own",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "Referer",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nReferer: http://evil.example/\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "a browser's fetch",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nSec-Fetch-Site: same-origin\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "a cookie",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nCookie: a=b\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    ("OPTIONS", "OPTIONS /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\n\r\n", 405),
    (
        "a preflight",
        "OPTIONS /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nOrigin: http://a\r\nAccess-Control-Request-Method: GET\r\n\r\n",
        403,
    ),
    (
        "a private network's preflight",
        "OPTIONS /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAccess-Control-Request-Private-Network: true\r\n\r\n",
        403,
    ),
    (
        "POST",
        "POST /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\nContent-Length: 0\r\n\r\n",
        405,
    ),
    ("PUT", "PUT /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\n\r\n", 405),
    ("HEAD", "HEAD /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\n\r\n", 405),
    ("TRACE", "TRACE /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\n\r\n", 405),
    (
        "a method in a header",
        "POST /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nX-HTTP-Method-Override: GET\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    ("no token", "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n", 401),
    ("an empty token", "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization:\r\n\r\n", 401),
    (
        "a short token",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: 0123456789abcdef\r\n\r\n",
        401,
    ),
    (
        "a long token",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN0\r\n\r\n",
        401,
    ),
    (
        "a wrong token",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: 1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n\r\n",
        401,
    ),
    (
        "a token in capitals",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF\r\n\r\n",
        401,
    ),
    (
        "a bearer's token",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: Bearer TOKEN\r\n\r\n",
        401,
    ),
    (
        "two tokens",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\nAuthorization: TOKEN\r\n\r\n",
        401,
    ),
    ("the token in the query", "GET /credentials?token=TOKEN HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n", 404),
    ("another path", "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\n\r\n", 404),
    (
        "a path that climbs",
        "GET /a/../credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\n\r\n",
        404,
    ),
    (
        "an encoded path",
        "GET /%63redentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\n\r\n",
        404,
    ),
    ("HTTP/1.0", "GET /credentials HTTP/1.0\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\n\r\n", 400),
    ("HTTP/0.9", "GET /credentials\r\n\r\n", 400),
    ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", CLOSED),
    (
        "an upgrade to HTTP/2",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
    (
        "a body",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\nContent-Length: 1\r\n\r\na",
        400,
    ),
    (
        "chunks",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "two lengths",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\na",
        400,
    ),
    (
        "a length and chunks",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "a length that is none",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\nContent-Length: +0\r\n\r\n",
        400,
    ),
    (
        "an encoding that is none",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\nTransfer-Encoding: xchunked\r\n\r\n",
        400,
    ),
    (
        "a space before the colon",
        "GET /credentials HTTP/1.1\r\nHost : 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\n\r\n",
        400,
    ),
    (
        "a folded header",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization:\r\n TOKEN\r\n\r\n",
        400,
    ),
    ("a NUL", "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: TOKEN\0\r\n\r\n", 400),
    ("TLS", "\u{16}\u{3}\u{1}\0\u{1}\0\r\n\r\n", 400),
    (
        "an expectation",
        "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nExpect: 100-continue\r\nAuthorization: TOKEN\r\n\r\n",
        403,
    ),
];
