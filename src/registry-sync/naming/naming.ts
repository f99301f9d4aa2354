import { createHash } from "node:crypto";
import type { Entry } from "../../model/entry.ts";
import type { ServiceKey } from "../../model/service.ts";

const MAX_LABEL = 63;
const MAX_HOST = 253;
const HASH_LENGTH = 8;
/** What a version looks like; a group of that look alone, or a version of another look alone, could be taken for the other. */
const VERSION_LOOK = /^v?\d/i;

/**
 * The DNS name that a Dubbo service has in the mesh, in the form that Aeraki users know:
 * lower(`interface[-group][-version]`) with the version's dots as dashes.
 *
 * A form that could also be read as another key gets `-` and 8 hex digits of the key's SHA-256 appended: a group together
 * with a version; a dash in any part; a character, an empty label or a length that DNS forbids; a group alone that looks
 * like a version or a version alone that does not; an ending that looks like such a hash. It depends on the key alone.
 * Keys that differ only in the case of letters share a host; `merge` reports those.
 */
export function hostOf(key: ServiceKey): string {
  const version = key.version.replaceAll(".", "-");
  const plain = [key.interface, key.group, version]
    .filter((part) => part !== "")
    .join("-")
    .toLowerCase();
  return isUnambiguous(key, plain) ? plain : withHash(legalize(plain), key);
}

/** How a rule's host names an entry; the strongest reading of it. Full host wins over plain name, plain name over wildcard. */
export type HostReading = "host" | "interface" | "wildcard";

/**
 * Whether a rule's host stands for an entry, and how: by the entry's own host, by the plain interface name in any case
 * (which stands for all groups and versions), or by a wildcard (`*`, `*.tail` or `head.*`) over either.
 */
export function readRuleHost(ruleHost: string, entry: Pick<Entry, "host" | "service">): HostReading | undefined {
  const wanted = ruleHost.toLowerCase();
  if (wanted === entry.host) return "host";
  const plain = entry.service.interface.toLowerCase();
  if (wanted === plain) return "interface";
  return matchesWildcard(wanted, entry.host) || matchesWildcard(wanted, plain) ? "wildcard" : undefined;
}

/** The entries that a rule's host stands for, in the order given, each with how it is named. */
export function entriesOfRuleHost(
  ruleHost: string,
  entries: readonly Entry[],
): readonly { readonly entry: Entry; readonly reading: HostReading }[] {
  const found: { entry: Entry; reading: HostReading }[] = [];
  for (const entry of entries) {
    const reading = readRuleHost(ruleHost, entry);
    if (reading !== undefined) found.push({ entry, reading });
  }
  return found;
}

function matchesWildcard(pattern: string, host: string): boolean {
  if (pattern === "*") return true;
  if (pattern.startsWith("*.")) return host.length > pattern.length - 1 && host.endsWith(pattern.slice(1));
  if (pattern.endsWith(".*")) return host.length > pattern.length - 1 && host.startsWith(pattern.slice(0, -1));
  return false;
}

function isUnambiguous(key: ServiceKey, plain: string): boolean {
  if (key.group !== "" && key.version !== "") return false;
  if (`${key.interface}${key.group}${key.version}`.includes("-")) return false;
  if (key.group !== "" && VERSION_LOOK.test(key.group)) return false;
  if (key.version !== "" && !VERSION_LOOK.test(key.version)) return false;
  if (/-[0-9a-f]{8}$/.test(plain)) return false;
  return plain.length <= MAX_HOST && plain.split(".").every(isLabel);
}

function isLabel(label: string): boolean {
  return label.length <= MAX_LABEL && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(label);
}

/** The nearest text of legal labels, with room for the hash in the last label and in the whole. */
function legalize(plain: string): string {
  const labels = plain
    .slice(0, MAX_HOST * 2)
    .replace(/[^a-z0-9.-]/g, "-")
    .split(".")
    .map((label) => trimDashes(label).slice(0, MAX_LABEL))
    .filter((label) => label !== "");
  const last = labels.length - 1;
  if (last >= 0) labels[last] = (labels[last] ?? "").slice(0, MAX_LABEL - HASH_LENGTH - 1);
  const whole = labels.join(".").slice(0, MAX_HOST - HASH_LENGTH - 1);
  return whole.split(".").map(trimDashes).filter(Boolean).join(".");
}

function trimDashes(label: string): string {
  return label.replace(/^-+|-+$/g, "");
}

function withHash(base: string, key: ServiceKey): string {
  const hash = createHash("sha256")
    .update(JSON.stringify([key.interface, key.group, key.version]))
    .digest("hex")
    .slice(0, HASH_LENGTH);
  return base === "" ? `s-${hash}` : `${base}-${hash}`;
}
