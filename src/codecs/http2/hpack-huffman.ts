/**
 * The Huffman code of HPACK (RFC 7541 appendix B). The code is canonical: codes of one length ascend with their symbols, shorter
 * codes come first. So the lengths below say everything; symbol 256 (end of string, 30 bits) may not occur in a string.
 */
import { ProtocolError } from "../../base/errors.ts";

/** Bits of the code of each octet, sixteen a row; a letter counts from a = 5. */
const LENGTHS = [
  "isxxxxxxxtzxxzxx",
  "xxxxxxzxxxxxxxxx",
  "bffhibdgffdgdbbb",
  "aaabbbbbbbcdkbhf",
  "ibcccccccccccccc",
  "ccccccccdcdioijb",
  "kabababbbaccbbba",
  "bcbaabccccckgjix",
  "prpprrrsrsssssts",
  "ttrstssssqrsrsst",
  "rqprrssqsrrtqrss",
  "qqrqsrssprrrsrrs",
  "vvporsruvvvwwvtu",
  "oqvwwvwtqqvvxwww",
  "ptpqrqqsrruuttvs",
  "vwvvwwwwwxwwwwwv",
].join("");
const END_OF_STRING = 256;

const codes = new Uint32Array(257);
const lengths = new Uint8Array(257);
const FAILED = -1;
/** States in which a string may end: fewer than 8 bits, all ones, since the last symbol. */
const mayEnd = new Uint8Array(512);
/** For state and nibble: next state in the low 9 bits, symbol + 1 from bit 9, or FAILED. */
const steps: Int32Array = build();

function build(): Int32Array {
  for (let i = 0; i < 256; i++) lengths[i] = LENGTHS.charCodeAt(i) - 92;
  lengths[END_OF_STRING] = 30;
  const children: number[][] = [[0, 0]];
  let code = 0;
  for (let bits = 5; bits <= 30; bits++) {
    for (let symbol = 0; symbol <= END_OF_STRING; symbol++) {
      if (lengths[symbol] !== bits) continue;
      codes[symbol] = code;
      addLeaf(children, symbol, code, bits);
      code++;
    }
    code *= 2;
  }
  for (let node = 0, depth = 0; depth < 8; depth++, node = children[node][1]) mayEnd[node] = 1;
  const table = new Int32Array(children.length * 16);
  for (let state = 0; state < children.length; state++) {
    for (let nibble = 0; nibble < 16; nibble++) table[state * 16 + nibble] = walk(children, state, nibble);
  }
  return table;
}

/** Children are node numbers, or -1 - symbol for a leaf. */
function addLeaf(children: number[][], symbol: number, code: number, bits: number): void {
  let node = 0;
  for (let bit = bits - 1; bit > 0; bit--) {
    const side = (code >>> bit) & 1;
    if (children[node][side] === 0) children[node][side] = children.push([0, 0]) - 1;
    node = children[node][side];
  }
  children[node][code & 1] = -1 - symbol;
}

function walk(children: number[][], from: number, nibble: number): number {
  let node = from;
  let symbol = 0;
  for (let bit = 3; bit >= 0; bit--) {
    node = children[node][(nibble >> bit) & 1];
    if (node >= 0) continue;
    if (-1 - node === END_OF_STRING) return -1;
    symbol = -node;
    node = 0;
  }
  return node | (symbol << 9);
}

let scratch = Buffer.allocUnsafeSlow(4096);

/** The latin1 text of `bytes[start, end)`. Throws `ProtocolError` for wrong padding or an end-of-string code. */
export function decodeHuffman(bytes: Buffer, start: number, end: number): string {
  const most = Math.ceil(((end - start) * 8) / 5);
  if (most > scratch.length) scratch = Buffer.allocUnsafeSlow(most);
  const out = scratch;
  let state = 0;
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    let step = steps[(state << 4) | (byte >> 4)];
    if (step === FAILED) break;
    if (step > 511) out[length++] = (step >> 9) - 1;
    step = steps[((step & 511) << 4) | (byte & 15)];
    if (step === FAILED) {
      state = FAILED;
      break;
    }
    if (step > 511) out[length++] = (step >> 9) - 1;
    state = step & 511;
    if (at + 1 === end && mayEnd[state] === 1) return out.latin1Slice(0, length);
  }
  if (start === end) return "";
  throw new ProtocolError("http2", "hpack string has wrong huffman padding or an end-of-string code", start);
}

/** Octets that {@link encodeHuffman} needs for a latin1 text. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += lengths[text.charCodeAt(i) & 255];
  return (bits + 7) >> 3;
}

/** Writes a latin1 text at `offset`, padded with ones; returns the offset behind it. */
export function encodeHuffman(text: string, target: Buffer, offset: number): number {
  let at = offset;
  let held = 0;
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 255;
    // At most 7 bits wait and a code has at most 28 for an octet: more than 32 together, so long codes go in two parts.
    let left = lengths[symbol];
    const code = codes[symbol];
    while (left > 0) {
      const take = Math.min(left, 16);
      left -= take;
      held = (held << take) | ((code >>> left) & ((1 << take) - 1));
      bits += take;
      while (bits >= 8) {
        bits -= 8;
        target[at++] = (held >>> bits) & 255;
      }
      held &= (1 << bits) - 1;
    }
  }
  if (bits > 0) target[at++] = ((held << (8 - bits)) | ((1 << (8 - bits)) - 1)) & 255;
  return at;
}
