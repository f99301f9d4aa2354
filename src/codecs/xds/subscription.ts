/** What one stream wants and has of one type of resources: the bookkeeping of both kinds of stream. */
import type { XdsRequest } from "./discovery.ts";
import { DueNames } from "./due-names.ts";
import { Former, UNKNOWN } from "./former.ts";
import { compareVersions, type InitialVersions } from "./initial-versions.ts";
import { diffLists, findIn, type ServedList, type ServedResource, type ServedSet } from "./served.ts";

/** The name that stands for all resources of a type. */
export const WILDCARD = "*";

const EMPTY: ServedList = [];

/** A response that a client was sent. */
export interface SentResponse {
  readonly nonce: string;
  readonly version: string;
  /** Of the resources in it, at most {@link SHOWN_NAMES}. */
  readonly names: readonly string[];
}

/** A response that a client has not answered yet. */
export interface WaitingResponse extends SentResponse {
  readonly resources: ServedList;
  readonly removed: readonly string[];
}

/** A response that a client refused; `names` are those that its message names, where it names any. */
export interface RefusedResponse extends SentResponse {
  readonly message: string;
  /** As many of its resources as have names here. */
  readonly resources: ServedList;
}

/** Most resources of a type that are known to be refused. */
const MAX_REFUSED = 100;

/** How often one version of a resource is sent to a client that refuses it each time, and asks for it again each time. */
const MAX_SAME = 3;

/** How many names of a response are kept for those who ask what was refused. */
export const SHOWN_NAMES = 20;

/** One type's part of a stream. Whoever drives it says when a response goes out and what of it. */
export class Subscription {
  readonly typeUrl: string;
  wildcard = false;
  /** Those that are asked for by name. */
  readonly names = new Set<string>();
  /** The last response, until the client answers it. */
  waiting: WaitingResponse | undefined;
  /** The nonce of the last response, answered or not. */
  nonce = "";
  /** Of the last response that the client took. */
  acked: SentResponse | undefined;
  /** The last response that the client refused, while anything of it is neither taken in a later version nor gone. */
  refused: RefusedResponse | undefined;
  /** Of what it refused, by name: which version, and how often. */
  readonly #refused = new Map<string, { readonly version: string; readonly times: number }>();
  refusals = 0;
  /** Characters of the names together. */
  nameChars = 0;
  /** Names to be told of, whether the client may know them already or not. */
  readonly due = new DueNames();
  /** What the client has and may have no longer. */
  readonly gone = new Map<string, ServedResource>();
  /** Whether changes are taken all at once or not at all. */
  isTogether = false;
  /** Of such a type, what was in responses that the client refused: it goes out again with the next change. */
  readonly #again = new Set<string>();
  /** Whether a response has to go out, though it may have nothing in it. */
  owes = false;
  /** An empty list of names means all, as long as none was ever named. */
  #hasNamed = false;
  #isNew = true;
  #list: ServedList = EMPTY;
  #set: ServedSet | undefined;
  /** What was made on demand for names that are not in the list. */
  #found = new Map<string, ServedResource>();
  #initial: InitialVersions | undefined;

  readonly #former: Former | undefined;

  /** With `keepsFormer` it is known what the client goes on with in place of what it refuses. */
  constructor(typeUrl: string, keepsFormer = false) {
    this.typeUrl = typeUrl;
    if (keepsFormer) this.#former = new Former();
  }

  /** What the client goes on with in place of what it refused. */
  get kept(): Iterable<ServedResource> {
    return this.#former?.kept ?? EMPTY;
  }

  /** A response goes out, and waits for its answer. */
  send(response: WaitingResponse): void {
    this.nonce = response.nonce;
    this.waiting = response;
    this.#former?.sent(response.resources);
  }

  /** The client has in force what waited for its answer; `isAll` says that this was all it has. */
  accept({ nonce, version, names, resources }: WaitingResponse, isAll: boolean): SentResponse {
    this.waiting = undefined;
    this.#again.clear();
    this.acked = { nonce, version, names };
    this.#former?.accept(isAll ? resources : undefined);
    if (isAll) this.#refused.clear();
    else if (this.#refused.size > 0) for (const { name } of resources) this.#refused.delete(name);
    this.#forgive();
    return this.acked;
  }

  /** The client goes on with what it had. */
  refuse({ nonce, version, resources, removed }: WaitingResponse, text: string, isAll: boolean): RefusedResponse {
    this.waiting = undefined;
    if (this.isTogether) {
      for (const { name } of resources) this.#again.add(name);
      for (const name of removed) this.#again.add(name);
    }
    this.#former?.refuse(isAll);
    this.refusals++;
    const message = text.slice(0, 2_000);
    // A virtual host's name is that of its routes and its own.
    const named = resources.filter(({ name }) => message.includes(name.slice(name.indexOf("/") + 1)));
    const blamed = (named.length > 0 ? named : resources).slice(0, MAX_REFUSED);
    for (const one of blamed) {
      const before = this.#refused.get(one.name);
      const times = before?.version === one.version ? before.times + 1 : 1;
      if (before !== undefined || this.#refused.size < MAX_REFUSED)
        this.#refused.set(one.name, { version: one.version, times });
    }
    const shown = blamed.slice(0, SHOWN_NAMES);
    this.refused = { nonce, version, message, names: shown.map(({ name }) => name), resources: shown };
    return this.refused;
  }

  /** A change is about to go out: what was refused together with something else goes along. */
  dueAgain(): void {
    for (const name of this.#again) this.due.add(name);
  }

  /** Once all that it refused is taken or gone, nothing is refused any more. */
  #forgive(): void {
    if (this.refused === undefined || this.#refused.size > 0) return;
    this.refused = undefined;
  }

  /** Whether it has refused a resource as it is now so often that it is not sent for the asking. */
  #isTiresome(name: string): boolean {
    const before = this.#refused.get(name);
    return before !== undefined && before.times >= MAX_SAME && before.version === this.find(name)?.version;
  }

  /** What it is of all that there is. */
  get list(): ServedList {
    return this.#list;
  }

  /** Whether something is to be sent that is no removal. */
  get hasNews(): boolean {
    return this.owes || this.due.size > 0;
  }

  wants(name: string): boolean {
    return this.wildcard || this.names.has(name);
  }

  /** The resource of a name as it is now. */
  find(name: string): ServedResource | undefined {
    return findIn(this.#list, name) ?? this.#found.get(name);
  }

  /** All that it wants and that there is. */
  current(): ServedResource[] {
    const named = [...this.names].map((name) => this.find(name)).filter((one) => one !== undefined);
    if (!this.wildcard) return named;
    return [...this.#list, ...named.filter(({ name }) => findIn(this.#list, name) === undefined)];
  }

  /** Takes up the newest set: what changed of what it wants becomes due, or gone. */
  refresh(set: ServedSet): void {
    if (set === this.#set) return;
    this.#set = set;
    this.isTogether = set.together?.has(this.typeUrl) === true;
    const before = this.#list;
    this.#list = set.types.get(this.typeUrl) ?? EMPTY;
    if (!this.wildcard && this.names.size === 0) return;
    this.#takeChanges(before);
    for (const name of this.#refused.keys()) if (this.find(name) === undefined) this.#refused.delete(name);
    this.#forgive();
    if (set.find !== undefined || this.#found.size > 0) for (const name of this.names) this.#findAgain(name);
    if (this.#initial !== undefined) this.#compareInitial(this.#initial);
  }

  #takeChanges(before: ServedList): void {
    if (this.wildcard && before.length === 0 && this.due.size === 0 && this.gone.size === 0) {
      this.due.addAll(this.#list);
      return;
    }
    const { changed, removed } = diffLists(before, this.#list);
    const isAll = this.wildcard && this.gone.size === 0 && this.due.moveAll(before, this.#list);
    for (const { name } of isAll ? [] : changed) {
      if (!this.wants(name)) continue;
      const had = this.#former && findIn(before, name);
      if (had !== undefined) this.#former?.note(name, had);
      this.due.add(name);
      this.gone.delete(name);
    }
    for (const one of removed) if (this.wants(one.name)) this.#lose(one);
  }

  #lose(one: ServedResource): void {
    this.due.delete(one.name);
    this.#former?.forget(one.name);
    this.gone.set(one.name, one);
  }

  #findAgain(name: string): void {
    const before = this.#found.get(name);
    const now = findIn(this.#list, name) !== undefined ? undefined : this.#set?.find?.(this.typeUrl, name);
    if (now === undefined) {
      if (this.#found.delete(name) && before !== undefined && this.find(name) === undefined) this.#lose(before);
      return;
    }
    this.#found.set(name, now);
    this.gone.delete(name);
    if (before?.version !== now.version) this.due.add(name);
  }

  /** Once the first set is there: what the client has from an earlier stream is left out, or gone. */
  #compareInitial(initial: InitialVersions): void {
    this.#initial = undefined;
    const { held, others } = compareVersions(initial, this.#list);
    this.due.deleteAll(this.#list, held);
    for (const [name, version] of others) {
      const now = this.find(name);
      if (now === undefined && this.wants(name)) this.gone.set(name, { name, version, resource: {} });
      else if (now?.version === version) this.due.delete(name);
      else if (now !== undefined) this.#former?.note(name, UNKNOWN);
    }
  }

  /** A state-of-the-world request's names. True where the client has to be told something for it. */
  takeNames(names: readonly string[], isAnswer: boolean, isRefusal = false): void {
    const isFirst = this.#isNew;
    this.#isNew = false;
    const wanted = new Set(names);
    if (wanted.delete(WILDCARD) || wanted.size > 0) this.#hasNamed = true;
    const wildcard = names.includes(WILDCARD) || !this.#hasNamed;
    const isMore = wildcard && !this.wildcard;
    this.wildcard = wildcard;
    for (const name of [...this.names]) if (!wanted.has(name)) this.#drop(name);
    let added = false;
    for (const name of wanted) added = this.#add(name) || added;
    const wantsAny = wildcard || this.names.size > 0;
    // Without a nonce it is a client that begins anew on the same stream.
    if (wantsAny && (isFirst || isMore || added || !(isAnswer || isRefusal))) this.owes = true;
  }

  /** A delta request's changes to what is wanted. */
  takeChanges({ subscribe, unsubscribe, initialVersions }: Extract<XdsRequest, { variant: "delta" }>): void {
    const isFirst = this.#isNew;
    this.#isNew = false;
    if (isFirst && subscribe.length === 0 && unsubscribe.length === 0) this.#want(WILDCARD);
    for (const name of subscribe) this.#want(name);
    for (const name of unsubscribe) this.#unwant(name);
    if (!isFirst) return;
    if (this.#set === undefined) this.#initial = initialVersions;
    else this.#compareInitial(initialVersions);
  }

  #want(name: string): void {
    if (name === WILDCARD) {
      this.owes = true;
      this.wildcard = true;
      if (this.#refused.size === 0) this.due.addAll(this.#list);
      else for (const one of this.#list) if (!this.#isTiresome(one.name)) this.due.add(one.name);
      return;
    }
    this.#add(name);
    // It may have been dropped by the client: whoever asks is told.
    if (!this.#isTiresome(name)) this.due.add(name);
  }

  #unwant(name: string): void {
    if (name !== WILDCARD) {
      this.#drop(name);
      // The client cannot know whether it is among all: it is told.
      if (this.wildcard) this.due.add(name);
      return;
    }
    this.wildcard = false;
    this.due.keep((name) => this.names.has(name));
    for (const one of [...this.gone.keys()]) if (!this.names.has(one)) this.gone.delete(one);
  }

  #add(name: string): boolean {
    if (this.names.has(name)) return false;
    // Of equal texts, the one that is kept anyway.
    this.names.add(findIn(this.#list, name)?.name ?? name);
    this.nameChars += name.length;
    if (this.#set?.find !== undefined) this.#findAgain(name);
    return true;
  }

  #drop(name: string): void {
    this.#again.delete(name);
    if (this.names.delete(name)) this.nameChars -= name.length;
    this.#found.delete(name);
    if (this.wildcard) return;
    this.#former?.forget(name);
    this.#refused.delete(name);
    this.#forgive();
    this.due.delete(name);
    this.gone.delete(name);
  }
}
