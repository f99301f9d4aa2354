import { createHash } from "node:crypto";
import type { Acl } from "../../codecs/zookeeper/records.ts";
import { zooKeeperError } from "../../codecs/zookeeper/status.ts";

/**
 * Who a connection is and what it may do: the schemes world, ip, digest and auth as a ZooKeeper 3.8 without further providers has
 * them. Reference: PrepRequestProcessor.fixupACL, ZooKeeperServer.checkACL, DigestAuthenticationProvider, IPAuthenticationProvider.
 */

/** One name by which a connection is known, such as `digest` `bob:<hash>` or `ip` `10.0.0.1`. */
export interface Identity {
  readonly scheme: string;
  readonly id: string;
}

/** The identity that `user:password` proves: the user and the base64 of the SHA-1 of the whole. */
export function digestIdentity(credentials: Uint8Array): Identity {
  const user = new TextDecoder().decode(credentials).split(":", 1)[0];
  return { scheme: "digest", id: `${user}:${createHash("sha1").update(credentials).digest("base64")}` };
}

/** Makes an ACL as it is stored: `auth` replaced by who asks, doubles dropped. Throws invalidACL. */
export function resolveAcl(path: string, acl: readonly Acl[], identities: readonly Identity[]): readonly Acl[] {
  const resolved = new Map<string, Acl>();
  const add = (entry: Acl) => resolved.set(`${entry.perms} ${entry.scheme} ${entry.id}`, entry);
  if (acl.length === 0) throw zooKeeperError("invalidACL", path);
  for (const entry of acl) {
    if (entry.scheme === "auth") {
      const proven = identities.filter((identity) => identity.scheme === "digest");
      if (proven.length === 0) throw zooKeeperError("invalidACL", path);
      for (const { scheme, id } of proven) add({ perms: entry.perms, scheme, id });
    } else if (isValid(entry)) {
      add({ perms: entry.perms, scheme: entry.scheme, id: entry.id });
    } else {
      throw zooKeeperError("invalidACL", path);
    }
  }
  return [...resolved.values()];
}

/** Throws noAuth unless one entry grants one of `perms` (a sum of `PERMS`) to one of the identities. */
export function checkAcl(path: string, acl: readonly Acl[], perms: number, identities: readonly Identity[]): void {
  if (!isAllowed(acl, perms, identities)) throw zooKeeperError("noAuth", path);
}

/** Whether one entry grants one of `perms` to one of the identities; an empty ACL grants all. */
export function isAllowed(acl: readonly Acl[], perms: number, identities: readonly Identity[]): boolean {
  if (acl.length === 0) return true;
  return acl.some((entry) => {
    if ((entry.perms & perms) === 0) return false;
    if (entry.scheme === "world") return entry.id === "anyone";
    return identities.some((who) => who.scheme === entry.scheme && matches(entry.scheme, who.id, entry.id));
  });
}

/** An ACL as it is told to one who may read a node but not administer it: without the hashes of passwords. */
export function maskAcl(acl: readonly Acl[]): readonly Acl[] {
  return acl.map((entry) => (entry.scheme === "digest" ? { ...entry, id: entry.id.replace(/:.*/s, ":x") } : entry));
}

function isValid({ scheme, id }: Acl): boolean {
  if (scheme === "world") return id === "anyone";
  if (scheme === "digest") return id.split(":").length === 2;
  if (scheme === "ip") return subnet(id) !== undefined;
  return false;
}

function matches(scheme: string, who: string, pattern: string): boolean {
  if (scheme !== "ip") return who === pattern;
  const net = subnet(pattern);
  const address = ipv4(who);
  if (net === undefined || address === undefined) return false;
  return net.bits === 0 || (address ^ net.address) >>> (32 - net.bits) === 0;
}

function subnet(text: string): { address: number; bits: number } | undefined {
  const [host, width] = text.split("/", 2);
  const address = ipv4(host);
  const bits = width === undefined ? 32 : /^\d{1,2}$/.test(width) ? Number(width) : -1;
  return address === undefined || bits < 0 || bits > 32 ? undefined : { address, bits };
}

function ipv4(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.reduce((value, part) => (value << 8) | Number(part), 0);
}
