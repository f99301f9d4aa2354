import { LISTENER_TYPE, type NamedResource, SECRET_TYPE } from "../../codecs/xds/resources.ts";
import type { Secret } from "../../codecs/xds/secret.ts";
import type { ServedSet } from "../../codecs/xds/served.ts";
import { hashText } from "../../model/hash-text.ts";
import { credentialOf, secretsAsked } from "../compile/gateway-tls.ts";

const asked = new WeakMap<ServedSet, ReadonlySet<string>>();
interface Chosen {
  readonly of: object;
  /** By the names of those that may be given. */
  readonly lists: Map<string, readonly NamedResource<Secret>[]>;
}
const chosen = new WeakMap<ServedSet, Chosen>();

/**
 * A served set with those of the credentials that its listeners ask for and `mayRead` lets its client have; it is asked by the name that
 * rules say. The same of all give the same set again.
 */
export function withCredentials(
  set: ServedSet,
  credentials: readonly NamedResource<Secret>[],
  mayRead: (credential: string) => boolean,
): ServedSet {
  if (credentials.length === 0) return set;
  let names = asked.get(set);
  if (names === undefined) {
    names = secretsAsked((set.types.get(LISTENER_TYPE) ?? []) as Parameters<typeof secretsAsked>[0]);
    asked.set(set, names);
  }
  if (names.size === 0) return set;
  let known = chosen.get(set);
  if (known?.of !== credentials) {
    known = { of: credentials, lists: new Map() };
    chosen.set(set, known);
  }
  const given = credentials.filter(({ name, resource }) => names.has(name) && mayRead(credentialOf(name, resource)));
  const key = given.map(({ name }) => name).join();
  const list = known.lists.get(key) ?? given;
  known.lists.set(key, list);
  return withServedSecrets(set, list);
}

const joined = new WeakMap<ServedSet, WeakMap<readonly NamedResource<Secret>[], ServedSet>>();

/** A served set with an identity's secrets beside what it has. The same two give the same set again; without secrets it is the set itself. */
export function withServedSecrets(set: ServedSet, secrets: readonly NamedResource<Secret>[]): ServedSet {
  if (secrets.length === 0) return set;
  let known = joined.get(set);
  if (known === undefined) {
    known = new WeakMap();
    joined.set(set, known);
  }
  let whole = known.get(secrets);
  if (whole === undefined) {
    const others = set.types.get(SECRET_TYPE) ?? [];
    const list = [...others, ...secrets].sort((a, b) => (a.name < b.name ? -1 : 1));
    const version = hashText([set.version, ...secrets.map((one) => one.version)].join());
    whole = { ...set, version, types: new Map([...set.types, [SECRET_TYPE, list]]) };
    known.set(secrets, whole);
  }
  return whole;
}
