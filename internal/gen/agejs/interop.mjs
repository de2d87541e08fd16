// Opens and makes age files with the npm package age-encryption, for TestNpmAge:
//   node interop.mjs open SECRET IN OUT     SECRET is AGE-SECRET-KEY-... or a passphrase
//   node interop.mjs seal TO IN OUT         TO is age1... or a passphrase
import { readFileSync, writeFileSync } from "node:fs";
import { Decrypter, Encrypter } from "age-encryption";

const [what, who, from, to] = process.argv.slice(2);
const data = readFileSync(from);
if (what === "open") {
  const d = new Decrypter();
  if (who.startsWith("AGE-SECRET-KEY-")) d.addIdentity(who);
  else d.addPassphrase(who);
  writeFileSync(to, await d.decrypt(data));
} else {
  const e = new Encrypter();
  if (who.startsWith("age1")) e.addRecipient(who);
  else e.setPassphrase(who);
  writeFileSync(to, await e.encrypt(data));
}
