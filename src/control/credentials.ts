import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, dirname, normalize } from "node:path";
import type { Clock } from "../base/clock.ts";
import { Latest } from "../base/latest.ts";
import type { Logger } from "../base/log.ts";
import type { NamedResource } from "../codecs/xds/resources.ts";
import type { Secret } from "../codecs/xds/secret.ts";
import { hashText } from "../model/hash-text.ts";
import { secretNames } from "./compile/gateway-tls.ts";
import { createPathWatch, type PathScan, reasonOf } from "./path-watch.ts";

/** Certificates that rules name as `credentialName`. */
export interface Credentials {
  /** Every one by the names of its secrets, in order of names; another list after each change. */
  readonly current: Latest<readonly NamedResource<Secret>[]>;
  rescan(): Promise<void>;
  close(): void;
}

/** Where credentials are. */
export interface CredentialsOptions {
  /** A folder with one folder for each credential, as Kubernetes mounts a Secret; undefined for none. */
  readonly folder: string | undefined;
  readonly log: Logger;
  readonly clock?: Clock;
}

const MAX_FILES = 3_000;
const MAX_BYTES = 1024 * 1024;
/** As a Secret of the type `kubernetes.io/tls` calls them, and Istio calls the roots. */
const NAMES = /[/](tls\.crt|tls\.key|ca\.crt)$/;

/** What a credential is made of, in PEM. */
export interface CredentialTexts {
  readonly certificate?: string;
  readonly key?: string;
  readonly roots?: string;
}

/** Follows a folder of credentials. One that is wrong is logged, and stays as it was. */
export function createCredentials({ folder, log, clock }: CredentialsOptions): Credentials {
  const current = new Latest<readonly NamedResource<Secret>[]>([]);
  const known = new Map<string, readonly NamedResource<Secret>[]>();
  let seen = "";
  let taken = "";
  const look = async ({ files }: PathScan): Promise<boolean> => {
    const now = JSON.stringify([...files].map(([path, { signature }]) => [path, signature]));
    const isSettled = now === seen || taken === "";
    seen = now;
    if (now === taken) return true;
    if (!isSettled) return false;
    taken = now;
    const paths = [...files].filter(([, { bytes }]) => bytes <= MAX_BYTES).map(([path]) => path);
    const names = new Set(paths.map((path) => basename(dirname(path))));
    for (const name of [...known.keys()]) if (!names.has(name)) known.delete(name);
    for (const name of names) {
      const own = paths.filter((path) => basename(dirname(path)) === name);
      try {
        const texts = await readAll(own);
        known.set(name, secretsOf(name, texts));
      } catch (error) {
        log.error("a credential can't be used; what was read of it before stays", {
          credential: name,
          path: dirname(own[0]!),
          reason: reasonOf(error),
        });
      }
    }
    const list = [...known.values()].flat().sort((a, b) => (a.name < b.name ? -1 : 1));
    if (JSON.stringify(list.map(versionOf)) !== JSON.stringify(current.get().map(versionOf))) current.set(list);
    return true;
  };
  const watch = createPathWatch({
    paths: folder === undefined ? [] : [normalize(folder)],
    names: NAMES,
    what: "files of credentials",
    maxFiles: MAX_FILES,
    look,
    ...(clock !== undefined && { clock }),
  });
  return {
    current,
    rescan: () => (folder === undefined ? Promise.resolve() : watch.rescan()),
    close() {
      watch.close();
      current.close();
    },
  };
}

function versionOf({ name, version }: NamedResource<Secret>): string {
  return `${name} ${version}`;
}

async function readAll(paths: readonly string[]): Promise<CredentialTexts> {
  const text = async (name: string) => {
    const path = paths.find((one) => basename(one) === name);
    return path === undefined ? undefined : await readFile(path, "utf8");
  };
  const [certificate, key, roots] = await Promise.all([text("tls.crt"), text("tls.key"), text("ca.crt")]);
  return {
    ...(certificate !== undefined && { certificate }),
    ...(key !== undefined && { key }),
    ...(roots !== undefined && { roots }),
  };
}

/** A credential as secrets: with a certificate and its key, with roots, or both. Throws where they do not fit together. */
export function secretsOf(
  credential: string,
  { certificate, key, roots }: CredentialTexts,
): readonly NamedResource<Secret>[] {
  const names = secretNames(credential);
  const made: Secret[] = [];
  if (certificate !== undefined || key !== undefined) {
    if (certificate === undefined || key === undefined) throw new Error("tls.crt and tls.key have to be there both");
    if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)))
      throw new Error("tls.key is not the key of tls.crt");
    const tlsCertificate = { certificateChain: { inlineString: certificate }, privateKey: { inlineString: key } };
    made.push({ name: names.certificate, tlsCertificate });
  }
  if (roots !== undefined) {
    new X509Certificate(roots);
    made.push({ name: names.roots, validationContext: { trustedCa: { inlineString: roots } } });
  }
  return made.map((resource) => ({ name: resource.name, version: hashText(JSON.stringify(resource)), resource }));
}
