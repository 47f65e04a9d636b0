// Somebody with a browser that runs no script: opens an address, fills in and sends every form, follows every redirect.
//
// Usage: person.mjs URL. It prints the last page, and fails if the last answer is an error or there is no end.

const jars = new Map();

async function ask(url, form) {
  const jar = jars.get(url.origin) ?? new Map();
  jars.set(url.origin, jar);
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
  const answer = await fetch(url, { method: form ? "POST" : "GET", body: form, redirect: "manual", headers: { cookie } });
  for (const line of answer.headers.getSetCookie()) {
    const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
    jar.set(name, value);
  }
  return answer;
}

const unescape = (text) =>
  text.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<").replaceAll("&amp;", "&");
const attribute = (tag, name) => unescape(tag.match(new RegExp(`\\b${name}="([^"]*)"`))?.[1] ?? "");

function filled(tags) {
  const form = new URLSearchParams();
  for (const tag of tags.match(/<(?:input|button)\b[^>]*>/g) ?? []) {
    const name = attribute(tag, "name");
    if (name && name !== "abort") {
      form.append(name, attribute(tag, "type") === "hidden" || attribute(tag, "value") ? attribute(tag, "value") : "alice");
    }
  }
  return form;
}

let url = new URL(process.argv[2]);
let form;
for (let step = 0; step < 20; step++) {
  const answer = await ask(url, form);
  const location = answer.headers.get("location");
  form = undefined;
  if (location) {
    url = new URL(location, url);
    continue;
  }
  const page = await answer.text();
  const found = answer.ok && page.match(/<form\b[^>]*>[\s\S]*?<\/form>/);
  if (!found) {
    console.log(page);
    process.exit(answer.ok ? 0 : 1);
  }
  const opening = found[0].match(/<form\b[^>]*>/)[0];
  url = new URL(attribute(opening, "action") || url, url);
  form = filled(found[0]);
}
console.error("it is sent from page to page");
process.exit(1);
