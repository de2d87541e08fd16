// What age-encryption imports for keys, in the place of the real modules: the page opens passphrases only, and these would be nine tenths of it.
function none() {
  throw new Error("this page opens packages with a passphrase only");
}
export const MLKEM768P256 = { keygen: none, encapsulate: none, decapsulate: none };
export const MLKEM768X25519 = MLKEM768P256;
export const p256 = { Point: { fromBytes: none }, utils: {}, getPublicKey: none, getSharedSecret: none };
export const x25519 = { getPublicKey: none, getSharedSecret: none, scalarMult: none, scalarMultBase: none };
