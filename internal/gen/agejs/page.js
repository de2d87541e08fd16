// The program of the page that `chartpost seal --to-patient NAME --html` writes: it opens the package in the page (or one that is picked) with
// a passphrase, in the browser, and shows what is in it. Nothing is loaded and nothing is sent; the page's Content-Security-Policy allows this
// script by its hash, one style for the page and one for the record, and pictures that are in the record.
import { Decrypter } from "age-encryption";

const byId = (id) => document.getElementById(id);
const count = 7; // words of a passphrase

const texts = {
  old: "This browser cannot open the record: it is too old, or it keeps pages that lie on a disk from using its cryptography (WebCrypto). Use a newer one, or the other way, below.",
  work: "Opening. This takes some seconds ...",
  wrong: "The passphrase does not open it. Look at each word, or ask for the passphrase once more.",
  altered: "This is not as it was made: the page, or the package, was changed or cut short on its way. Ask for a new one, and do not use this one.",
  pick: "Choose the file that came with this page first.",
  notSealed: "That file is not a sealed package.",
  empty: "Type the passphrase first: seven words.",
};

function say(text, trouble) {
  const said = byId("said");
  said.textContent = text;
  said.className = trouble ? "trouble" : "";
}

class Trouble extends Error {}

// The one form of a typed passphrase (docs/format.md): words of the list, lower case, joined by hyphens; four letters of a word are enough.
function passphrase(typed) {
  const words = typed.toLowerCase().split(/[^a-z]+/).filter((w) => w !== "");
  if (words.length === 0) throw new Trouble(texts.empty);
  if (words.length !== count) throw new Trouble(`There are ${words.length} words; the passphrase has ${count}.`);
  const list = byId("words").textContent.split(/\s+/).filter((w) => w !== "");
  return words
    .map((w, i) => {
      const found = list.find((x) => x === w || (w.length >= 4 && x.startsWith(w)));
      if (!found) throw new Trouble(`Word ${i + 1} is not in the list of words: look how it is spelt.`);
      return found;
    })
    .join("-");
}

function fromBase64(text) {
  let raw;
  try {
    raw = atob(text.trim());
  } catch {
    throw new Trouble(texts.altered);
  }
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

async function sealed() {
  const inside = byId("package").textContent;
  if (inside.trim() !== "") return fromBase64(inside);
  const file = byId("file").files[0];
  if (!file) throw new Trouble(texts.pick);
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (!new TextDecoder().decode(bytes.subarray(0, 22)).startsWith("age-encryption.org/v1\n")) throw new Trouble(texts.notSealed);
  return bytes;
}

async function decrypt(bytes, words) {
  const d = new Decrypter();
  d.addPassphrase(words);
  try {
    return await d.decrypt(bytes);
  } catch (e) {
    throw new Trouble(String(e.message).includes("no identity matched") ? texts.wrong : texts.altered);
  }
}

// The members of the zip, by its directory (PKWARE APPNOTE 6.3): what Chartpost writes below 4 GiB, and nothing else.
async function unzip(zip) {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  const end = zip.length - 22;
  if (end < 0 || view.getUint32(end, true) !== 0x06054b50) throw new Trouble(texts.altered);
  const members = new Map();
  let at = view.getUint32(end + 16, true);
  for (let n = view.getUint16(end + 10, true); n > 0; n--) {
    if (at + 46 > end || view.getUint32(at, true) !== 0x02014b50) throw new Trouble(texts.altered);
    const [method, packed, size] = [view.getUint16(at + 10, true), view.getUint32(at + 20, true), view.getUint32(at + 24, true)];
    const [nameLen, extra, comment, local] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true), view.getUint16(at + 32, true), view.getUint32(at + 42, true)];
    const name = new TextDecoder("utf-8", { fatal: true }).decode(zip.subarray(at + 46, at + 46 + nameLen));
    at += 46 + nameLen + extra + comment;
    if (local + 30 > end || view.getUint32(local, true) !== 0x04034b50 || members.has(name)) throw new Trouble(texts.altered);
    const from = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const data = zip.subarray(from, from + packed);
    if (data.length !== packed) throw new Trouble(texts.altered);
    members.set(name, method === 0 ? data : await inflate(data, size));
    if (members.get(name).length !== size) throw new Trouble(texts.altered);
  }
  return members;
}

// Never more than the directory says that there is.
async function inflate(data, size) {
  const out = new Uint8Array(size);
  let n = 0;
  const r = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  for (;;) {
    const { done, value } = await r.read();
    if (done) return out.subarray(0, n);
    if (n + value.length > size) throw new Trouble(texts.altered);
    out.set(value, n);
    n += value.length;
  }
}

const hex = (buffer) => Array.from(new Uint8Array(buffer), (b) => b.toString(16).padStart(2, "0")).join("");

// Every member but SHA256SUMS and its signature has its line, and its digest is what the line says.
async function check(members) {
  const sums = members.get("SHA256SUMS");
  if (!sums || !members.has("SHA256SUMS.sig")) throw new Trouble(texts.altered);
  const lines = new TextDecoder().decode(sums).split("\n").slice(0, -1);
  if (lines.length + 2 !== members.size) throw new Trouble(texts.altered);
  for (const line of lines) {
    const data = members.get(line.slice(66));
    if (!data || hex(await crypto.subtle.digest("SHA-256", data)) !== line.slice(0, 64)) throw new Trouble(texts.altered);
  }
  const manifest = JSON.parse(new TextDecoder().decode(members.get("manifest.json")));
  if (manifest.format !== "chartpost-package-v1" || manifest.to.length !== 1 || manifest.to[0].passphrase !== true) throw new Trouble(texts.altered);
  return manifest;
}

function fact(list, name, text) {
  const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
  dt.textContent = name;
  dd.textContent = text;
  list.append(dt, dd);
}

// What may be told to the browser of a file: it saves it, and shows none.
function offer(list, name, data, type) {
  const [item, link] = [document.createElement("li"), document.createElement("a")];
  link.href = URL.createObjectURL(new Blob([data], { type }));
  link.download = name.split("/").pop();
  link.textContent = `Save ${name.replace(/^files\//, "")} (${data.length.toLocaleString("en")} bytes)`;
  item.append(link);
  list.append(item);
}

function show(manifest, members) {
  const facts = byId("facts");
  const who = (p) => (p.city ? `${p.name}, ${p.city}` : p.name);
  fact(facts, "It says that it is from", who(manifest.from));
  fact(facts, "For", who(manifest.to[0]));
  const day = new Date(manifest.created);
  fact(facts, "Sealed on", day.toLocaleDateString("en", { day: "numeric", month: "long", year: "numeric" }));
  if (manifest.expires && new Date(manifest.expires) < new Date()) fact(facts, "Notice", "The sender meant it to be opened no more after " + manifest.expires.slice(0, 10));
  if (manifest.note) fact(facts, "Note", manifest.note);
  if (manifest.part2_notice) fact(facts, "Notice", manifest.part2_notice);
  const page = members.get("files/record.html");
  if (page) {
    // In a frame that is given its text, a way to a part of it begins with the frame's own address. Text of the record holds no such markup.
    byId("record").srcdoc = new TextDecoder().decode(page).replaceAll(' href="#', ' href="about:srcdoc#');
    byId("shown").hidden = false;
  }
  const parts = byId("parts");
  for (const f of manifest.files) offer(parts, f.path, members.get(f.path), "application/octet-stream");
  for (const name of ["README.txt", "manifest.json", "SHA256SUMS", "SHA256SUMS.sig"]) offer(byId("checks"), name, members.get(name), "application/octet-stream");
  byId("form").hidden = true;
  byId("out").hidden = false;
  byId("opened").focus();
}

async function open(event) {
  event.preventDefault();
  const button = byId("open");
  button.disabled = true;
  try {
    const words = passphrase(byId("typed").value);
    say(texts.work);
    await new Promise((done) => setTimeout(done, 50)); // the browser shows the line before it is busy
    const members = await unzip(await decrypt(await sealed(), words));
    const manifest = await check(members);
    byId("typed").value = "";
    say("");
    show(manifest, members);
  } catch (e) {
    say(e instanceof Trouble ? e.message : texts.altered, true);
  }
  button.disabled = false;
}

if (!globalThis.crypto?.subtle || !globalThis.DecompressionStream) {
  byId("dead").textContent = texts.old;
} else {
  byId("dead").hidden = true;
  byId("form").hidden = false;
  byId("form").addEventListener("submit", open);
  const inside = byId("package").textContent;
  byId("picker").hidden = inside.trim() !== "";
  byId("keep").hidden = inside.trim() === "";
  byId("save").addEventListener("click", (event) => {
    event.preventDefault();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([fromBase64(inside)], { type: "application/octet-stream" }));
    link.download = byId("save").dataset.name;
    link.click();
  });
}
