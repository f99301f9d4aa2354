import { parseBlock } from "../../base/ip-block.ts";
import { type Identity, isIdentity, printIdentity } from "../../model/identity.ts";
import type { CallerConfig, RegistryConfig } from "./config.ts";
import type { KeyShape, Shape } from "./document.ts";
import type { Environment, Fail } from "./registries.ts";
import { resolvePassword } from "./registries.ts";

const text: Shape = { type: "string" };

/** The keys of one item of `callers`. */
export const CALLER_KEYS: Readonly<Record<string, KeyShape>> = {
  identity: { shape: text, required: true, doc: "whom such callers count as: NAMESPACE/ACCOUNT of mesh.trustDomain" },
  addresses: {
    shape: { type: "list", items: text },
    doc: "addresses and CIDR ranges that its calls come from; the narrowest counts",
    default: "[]",
  },
  username: {
    shape: text,
    doc: "user by whom its process logs in at a facade: its address counts while it is connected",
  },
  password: { shape: text, doc: "", refused: "may not stand in the file; use passwordFile or passwordEnv" },
  registry: {
    shape: text,
    doc: "Nacos registry that knows that user and checks his password, at its facade; in place of a password here",
  },
  passwordFile: {
    shape: text,
    doc: "file that holds that user's password, for ZooKeeper's facades (digest) and Eureka's (user:password@ in the address)",
  },
  passwordEnv: { shape: text, doc: "environment variable that holds it" },
};

/** One item of `callers` as the file has it. */
export interface RawCaller {
  readonly identity: string;
  readonly addresses?: readonly string[];
  readonly username?: string;
  readonly registry?: string;
  readonly passwordFile?: string;
  readonly passwordEnv?: string;
}

/** What callers are of. */
export interface CallerContext {
  readonly trustDomain: string;
  readonly registries: readonly Pick<RegistryConfig, "name" | "scheme">[];
}

/** What `callers` says; `fail` is told what is wrong, by path. */
export function resolveCallers(
  items: readonly RawCaller[],
  { trustDomain, registries }: CallerContext,
  env: Environment,
  fail: Fail,
): readonly CallerConfig[] {
  const ranges = new Map<string, number>();
  const users = new Map<string, number>();
  return items.flatMap((item, i) => {
    const at = `callers[${i}]`;
    const { username, registry, addresses = [] } = item;
    const [namespace = "", serviceAccount = "", ...more] = item.identity.split("/");
    const identity: Identity = { trustDomain, namespace, serviceAccount };
    const isGood = more.length === 0 && isIdentity(identity);
    if (!isGood) fail(`${at}.identity`, `"${item.identity}" is no NAMESPACE/ACCOUNT, such as shop/web`);
    addresses.forEach((address, j) => {
      if (parseBlock(address) === undefined) fail(`${at}.addresses[${j}]`, `"${address}" is no address or CIDR range`);
      const other = ranges.get(address);
      if (other !== undefined) fail(`${at}.addresses[${j}]`, `${address} stands in callers[${other}] already`);
      ranges.set(address, i);
    });
    if (addresses.length === 0 && username === undefined) fail(at, "nobody can be it: give addresses or username");
    if (registry !== undefined) {
      const known = registries.find(({ name }) => name === registry);
      if (username === undefined) fail(`${at}.registry`, "is of no use without username");
      if (known?.scheme !== "nacos")
        fail(
          `${at}.registry`,
          known === undefined ? `there is no registry "${registry}"` : `"${registry}" is no nacos`,
        );
      for (const key of ["passwordFile", "passwordEnv"] as const)
        if (item[key] !== undefined) fail(`${at}.${key}`, `the password is checked by registry "${registry}"`);
    }
    if (!isGood) return [];
    const whole = { identity: printIdentity(identity), addresses };
    if (username === undefined) return [whole];
    const user = JSON.stringify([registry, username]);
    const other = users.get(user);
    if (other !== undefined) fail(`${at}.username`, `${username} is that of callers[${other}] already`);
    users.set(user, i);
    if (registry !== undefined) return [{ ...whole, login: { username, registry } }];
    const password = resolvePassword(
      { auth: { ...item, username } },
      { username: "", password: "" } as never,
      at,
      env,
      // The keys stand in the item itself.
      (path, message) => fail(path.replace(`${at}.auth`, at), message),
    );
    return [{ ...whole, login: { username, password } }];
  });
}
