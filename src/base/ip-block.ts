/** A range of IP addresses: those whose first `bits` bits are those of `bytes`. IPv4 stands in IPv6's form, `::ffff:a.b.c.d`. */
export interface IpBlock {
  readonly bytes: Uint8Array;
  /** Of 128. */
  readonly bits: number;
}

const V4_BITS = 96;

/** An address as 16 bytes, IPv4 in IPv6's form; undefined for what is none. A zone behind `%` is left out. */
export function parseIp(text: string): Uint8Array | undefined {
  const zone = text.indexOf("%");
  const plain = zone < 0 ? text : text.slice(0, zone);
  if (plain.length > 45) return undefined;
  return plain.includes(":") ? parseV6(plain) : parseV4(plain);
}

/** Reads `10.0.0.0/8`, `fd00::/8` or a single address; undefined for what is none, such as a length over the address's own. */
export function parseBlock(text: string): IpBlock | undefined {
  const slash = text.indexOf("/");
  const bytes = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (bytes === undefined) return undefined;
  const isV4 = !text.slice(0, slash < 0 ? undefined : slash).includes(":");
  const most = isV4 ? 32 : 128;
  const length = slash < 0 ? most : /^\d{1,3}$/.test(text.slice(slash + 1)) ? Number(text.slice(slash + 1)) : -1;
  return length < 0 || length > most ? undefined : { bytes, bits: length + (isV4 ? V4_BITS : 0) };
}

/** Whether an address, as {@link parseIp} gives it, is in the block. */
export function isInBlock(ip: Uint8Array, { bytes, bits }: IpBlock): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (ip[i] !== bytes[i]) return false;
  const rest = bits & 7;
  return rest === 0 || (ip[whole]! ^ bytes[whole]!) >> (8 - rest) === 0;
}

function parseV4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(16);
  bytes[10] = 0xff;
  bytes[11] = 0xff;
  for (let i = 0; i < 4; i++) {
    // A leading zero would be octal to some.
    if (!/^(?:0|[1-9]\d{0,2})$/.test(parts[i]!) || Number(parts[i]) > 255) return undefined;
    bytes[12 + i] = Number(parts[i]);
  }
  return bytes;
}

function parseV6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === "" ? [] : half.split(":"))) as [string[], string[]?];
  const last = (tail ?? head).at(-1);
  let v4: Uint8Array | undefined;
  if (last?.includes(".") === true) {
    v4 = parseV4(last);
    if (v4 === undefined) return undefined;
    (tail ?? head).splice(-1, 1, hex(v4[12]!, v4[13]!), hex(v4[14]!, v4[15]!));
  }
  const count = head.length + (tail?.length ?? 0);
  if (tail === undefined ? count !== 8 : count > 7) return undefined;
  const groups = [...head, ...new Array<string>(8 - count).fill("0"), ...(tail ?? [])];
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 8; i++) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(groups[i]!)) return undefined;
    const value = Number.parseInt(groups[i]!, 16);
    bytes[2 * i] = value >> 8;
    bytes[2 * i + 1] = value & 0xff;
  }
  return bytes;
}

function hex(high: number, low: number): string {
  return ((high << 8) | low).toString(16);
}
