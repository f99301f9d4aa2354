import { BlockList, isIP } from "node:net";
import { ConfigError } from "../base/errors.ts";

/** Whether an address may connect. */
export type AllowTest = (address: string) => boolean;

/**
 * Compiles an allow list of addresses and CIDR ranges, of IPv4 and IPv6; an empty list allows all. An IPv4 client of a socket that
 * listens for both families is known by its IPv4 address. Throws `ConfigError` on an entry that is no address or range.
 */
export function compileAllow(ranges: readonly string[]): AllowTest {
  if (ranges.length === 0) return () => true;
  const list = new BlockList();
  for (const [index, range] of ranges.entries()) {
    const [address = "", bitsText, more] = range.split("/");
    const family = isIP(address);
    const most = family === 6 ? 128 : 32;
    const bits = bitsText === undefined ? most : Number(bitsText);
    if (family === 0 || more !== undefined || !/^\d{1,3}$/.test(bitsText ?? "0") || bits > most) {
      throw new ConfigError(`allow[${index}]`, `allow has "${range}", which is no address and no CIDR range`);
    }
    list.addSubnet(address, bits, family === 6 ? "ipv6" : "ipv4");
  }
  return (address) => {
    const plain = plainAddress(address);
    const family = isIP(plain);
    return family !== 0 && list.check(plain, family === 6 ? "ipv6" : "ipv4");
  };
}

/** An IPv4 address of a socket for both families, as IPv4 writes it; any other address as it is. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
