import { ApiFailure } from "../../kubernetes/api.ts";
import type { Finding } from "../../model/entry.ts";
import { ruleFinding } from "../rules/findings.ts";
import { nameOfResource, RULE_RESOURCES } from "./kinds.ts";

/** What keeps rules from being read from a cluster. */
export class SourceFaults {
  readonly #name: string;
  /** By what was asked for. */
  readonly #failing = new Map<string, unknown>();
  #missing: readonly string[] = [];
  #unserved: ReadonlyMap<string, string> = new Map();

  /** `name` is what the source is called. */
  constructor(name: string) {
    this.#name = name;
  }

  /** Something could not be read; gives whether that is news. */
  failed(what: string, error: unknown): boolean {
    const before = this.#failing.get(what);
    this.#failing.set(what, error);
    return before === undefined || messageOf(before) !== messageOf(error);
  }

  /** It can be read; gives whether it could not before. */
  worked(what: string): boolean {
    return this.#failing.delete(what);
  }

  /** Whether it can't be read now. */
  has(what: string): boolean {
    return this.#failing.has(what);
  }

  /** Whether nothing can come of waiting for something: the server does not let us, or does not have it. */
  isRefused(what: string): boolean {
    const error = this.#failing.get(what);
    return error instanceof ApiFailure && (error.status === FORBIDDEN || error.status === NOT_FOUND);
  }

  /** The kinds that the server has, by name. */
  served(names: ReadonlySet<string>): void {
    this.#missing = RULE_RESOURCES.map(nameOfResource).filter((name) => !names.has(name));
  }

  /** Kinds of security that the server does not serve and may have: by name, what that means. */
  unserved(kinds: ReadonlyMap<string, string>): boolean {
    const isNews = JSON.stringify([...kinds]) !== JSON.stringify([...this.#unserved]);
    this.#unserved = kinds;
    return isNews;
  }

  /** `held`, before anything is in force: the lists without which nothing begins. */
  findings(held?: ReadonlySet<string>): readonly Finding[] {
    const at = { file: this.#name, line: 0, column: 0 };
    const denied = [...this.#failing].filter(([, error]) => error instanceof ApiFailure && error.status === FORBIDDEN);
    const lost = [...this.#failing.values()].find(
      (error) => !(error instanceof ApiFailure && (error.status === FORBIDDEN || error.status === NOT_FOUND)),
    );
    const missing = this.#missing.filter((name) => !this.#unserved.has(name));
    return [
      ...denied.map(([what, error]) =>
        ruleFinding("TR0205", at, deniedText(what, error as ApiFailure) + (held?.has(what) ? HELD : "")),
      ),
      ...[...this.#unserved].map(([name, text]) => ruleFinding("TR0249", at, `the cluster serves no ${name}; ${text}`)),
      ...(lost === undefined
        ? []
        : [ruleFinding("TR0217", at, `${messageOf(lost)}; ${held === undefined ? KEPT : NOTHING_YET}`)]),
      ...(missing.length === 0
        ? []
        : [
            ruleFinding(
              "TR0218",
              at,
              `the cluster has no ${missing.join(", ")}; they are read as soon as their CustomResourceDefinitions are there`,
            ),
          ]),
    ];
  }
}

/** What follows from a server that is out of reach. */
const KEPT = "what was read before stays in force, and it is tried again";
const NOTHING_YET = "no rule of the cluster is taken up before it answers, and it is tried again";

/** What follows from a kind of security that was never read. */
const HELD = "; no rule of the cluster is taken up before, since calls might be let through that it forbids";

const FORBIDDEN = 403;
const NOT_FOUND = 404;

/** What is missing, in the words of a role. */
function deniedText(list: string, { reason }: ApiFailure): string {
  const [what = list] = list.split(" ");
  const [, user, verb] = /User "([^"]+)" cannot (\w+) resource/.exec(reason) ?? [];
  const [, namespace] = /in the namespace "([^"]+)"/.exec(reason) ?? [];
  const where = namespace === undefined ? "in the cluster" : `in namespace ${namespace}`;
  const missing = verb === undefined ? `${list} can't be read (${reason})` : `${user} may not ${verb} ${what} ${where}`;
  return `${missing}; a role for it needs the verbs get, list and watch of ${what}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
