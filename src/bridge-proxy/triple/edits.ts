import { type Fields, fieldValue } from "../../codecs/fields.ts";
import { toField } from "../../codecs/triple/text.ts";
import type { ServiceKey } from "../../model/service.ts";
import type { Mutations, Target } from "../route.ts";

/**
 * A request's fields on the way to `target`: the same list where nothing changes. Names of attachments that rules set are written in lower case, as Triple has them. Throws CallError `invalid_argument` for a
 * value with control characters.
 */
export function editFields(
  fields: Fields,
  key: ServiceKey,
  method: string,
  mutations: Mutations | undefined,
  target: Target,
): Fields {
  const { service } = target.cluster;
  const isOther = service.interface !== key.interface || service.group !== key.group || service.version !== key.version;
  if (!isOther && mutations === undefined && target.mutations === undefined) return fields;
  const edited = new Edited(fields);
  for (const changes of [mutations, target.mutations]) {
    for (const name of changes?.remove ?? []) edited.remove(name);
    for (const [name, value] of changes?.set ?? []) edited.set(name, value);
    for (const [name, value] of changes?.add ?? []) edited.add(name, value);
  }
  if (isOther) {
    edited.set(":path", `/${service.interface}/${method}${queryOf(fields)}`);
    edited.setOrRemove("tri-service-group", service.group);
    edited.setOrRemove("tri-service-version", service.version);
  }
  return edited.fields;
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

  remove(name: string): void {
    for (let at = this.#find(name); at >= 0; at = this.#find(name)) this.fields.splice(at, 2);
  }

  set(name: string, value: string): void {
    const at = this.#find(name);
    if (at < 0) this.fields.push(name.toLowerCase(), toField(name, value));
    else this.fields[at + 1] = toField(name, value);
  }

  add(name: string, value: string): void {
    const at = this.#find(name);
    this.set(name, at < 0 ? value : `${this.fields[at + 1]},${value}`);
  }

  setOrRemove(name: string, value: string): void {
    if (value === "") this.remove(name);
    else this.set(name, value);
  }

  #find(name: string): number {
    const wanted = name.toLowerCase();
    for (let i = 0; i < this.fields.length; i += 2) if (this.fields[i] === wanted) return i;
    return -1;
  }
}
