import { type Fields, fieldValue } from "../../codecs/fields.ts";
import { toField } from "../../codecs/triple/text.ts";
import type { Callable } from "../../codecs/xds/path-rewrite.ts";
import type { ServiceKey } from "../../model/service.ts";
import type { Mutations } from "../policies/mutations.ts";
import { cutParameters } from "../policies/query.ts";
import type { CompiledRoute, Target } from "../route.ts";
import { serviceFor } from "../upstream/any-service.ts";

/** What a route and its chosen destination change in a call. */
export interface FieldChange {
  readonly target: Target;
  readonly route: Pick<CompiledRoute, "mutations" | "rewrite" | "hostSuffix">;
  /** The interface and method that the route's rewrite names; undefined where it has none. */
  readonly named?: Callable | undefined;
}

/**
 * A request's fields, for `key` and `method`, on the way to their destination: the same list where nothing changes. Names of attachments
 * that rules set are written in lower case, as Triple has them. Throws CallError `invalid_argument` for a value with control characters.
 */
export function editFields(fields: Fields, key: ServiceKey, method: string, change: FieldChange): Fields {
  const { target, route, named } = change;
  const { group, version, ...service } = serviceFor(target.cluster.service, key);
  const name = named?.interface ?? service.interface;
  const isOther = name !== key.interface || group !== key.group || version !== key.version;
  const isRenamed = named !== undefined && named.method !== method;
  const isElsewhere = route.rewrite?.authority !== undefined || route.hostSuffix !== "";
  const isSame = !isOther && !isRenamed && !isElsewhere;
  if (isSame && route.mutations === undefined && target.mutations === undefined) return fields;
  const edited = new Edited(fields);
  edited.change(route.mutations);
  if (route.rewrite?.authority !== undefined) edited.set(":authority", route.rewrite.authority);
  edited.change(target.mutations);
  if (isOther || isRenamed) edited.set(":path", `/${name}/${named?.method ?? method}${queryOf(edited.fields)}`);
  if (isOther) {
    edited.setOrRemove("tri-service-group", group);
    edited.setOrRemove("tri-service-version", version);
  }
  if (route.hostSuffix !== "")
    edited.set(":authority", withSuffix(fieldValue(edited.fields, ":authority") ?? "", route.hostSuffix));
  return edited.fields;
}

/** A field list with more changes. Throws as {@link editFields}. */
export function changeFields(fields: Fields, ...changes: readonly (Mutations | undefined)[]): Fields {
  const edited = new Edited(fields);
  for (const one of changes) edited.change(one);
  return edited.fields;
}

/** A Host with more behind its name, before its port. */
export function withSuffix(host: string, suffix: string): string {
  const port = /:\d+$/.exec(host)?.[0] ?? "";
  return `${host.slice(0, host.length - port.length)}${suffix}${port}`;
}

/** With its question mark; `""` for none. */
function queryOf(fields: Fields): string {
  const path = fieldValue(fields, ":path") ?? "";
  const at = path.indexOf("?");
  return at < 0 ? "" : path.slice(at);
}

/** The fields with a provider's own token, `""` for none. */
export function withToken(fields: Fields, token: string): Fields {
  if (token === "") return fields;
  const edited = new Edited(fields);
  edited.set("token", token);
  return edited.fields;
}

class Edited {
  readonly fields: string[];

  constructor(fields: Fields) {
    this.fields = [...fields];
  }

  change(changes: Mutations | undefined): void {
    const path = fieldValue(this.fields, ":path") ?? "";
    const cut = cutParameters(path, changes);
    if (cut !== path) this.set(":path", cut);
    for (const name of changes?.remove ?? []) this.remove(name);
    for (const [name, value] of changes?.set ?? []) this.set(name === "host" ? this.#host() : name, value);
    for (const [name, value] of changes?.add ?? []) this.add(name, value);
  }

  remove(name: string): void {
    for (let at = this.#find(name); at >= 0; at = this.#find(name)) this.fields.splice(at, 2);
  }

  /** All fields of that name become one, at the place of the first: callers who send several keep none. */
  set(name: string, value: string): void {
    const at = this.#find(name);
    if (at >= 0)
      for (let next = this.#find(name, at + 2); next >= 0; next = this.#find(name, next)) this.fields.splice(next, 2);
    this.#put(name, value, at);
  }

  add(name: string, value: string): void {
    const at = this.#find(name);
    this.#put(name, at < 0 ? value : `${this.fields[at + 1]},${value}`, at);
  }

  setOrRemove(name: string, value: string): void {
    if (value === "") this.remove(name);
    else this.set(name, value);
  }

  /** What a request's Host is called here. */
  #host(): string {
    return this.#find(":authority") < 0 ? "host" : ":authority";
  }

  #put(name: string, value: string, at: number): void {
    if (at < 0) this.fields.push(name.toLowerCase(), toField(name, value));
    else this.fields[at + 1] = toField(name, value);
  }

  #find(name: string, from = 0): number {
    const wanted = name.toLowerCase();
    for (let i = from; i < this.fields.length; i += 2) if (this.fields[i] === wanted) return i;
    return -1;
  }
}
