import type { XdsResponse } from "../../../codecs/xds/discovery.ts";
import {
  CLUSTER_TYPE,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  type NamedResource,
  type ResourceOf,
  type ResourceSet,
  ROUTE_TYPE,
  SCHEMA_TYPE,
  SECRET_TYPE,
  VIRTUAL_HOST_TYPE,
} from "../../../codecs/xds/resources.ts";
import { SortedList } from "../../../control/compile/sorted-list.ts";
import { hashText } from "../../../model/hash-text.ts";

/** The types that a proxy asks control for, and the list of a {@link ResourceSet} that each is. */
const LISTS = {
  [SCHEMA_TYPE]: "schemas",
  [CLUSTER_TYPE]: "clusters",
  [ENDPOINT_TYPE]: "endpoints",
  [LISTENER_TYPE]: "listeners",
  [ROUTE_TYPE]: "routes",
  [VIRTUAL_HOST_TYPE]: "virtualHosts",
  [SECRET_TYPE]: "secrets",
} as const satisfies { readonly [T in keyof ResourceOf]?: keyof ResourceSet };

/** One of the types that a proxy asks control for. */
export type HeldType = keyof typeof LISTS;

/** All of them. */
export const HELD_TYPES = Object.keys(LISTS) as readonly HeldType[];

/** Those of which all is asked for; of secrets those alone that listeners name. */
export const WHOLE_TYPES = HELD_TYPES.filter((type) => type !== SECRET_TYPE);

/** What control has given so far, by type; what does not change keeps its list. */
export class HeldResources {
  readonly #types = new Map<HeldType, SortedList<NamedResource>>(HELD_TYPES.map((type) => [type, new SortedList()]));

  /** Takes a response in; one of a type that is not asked for is none of ours. A key stays: a control that has just started may not know yet who has it. */
  apply({ typeUrl, resources, removed }: Pick<XdsResponse, "typeUrl" | "resources" | "removed">): void {
    const held = this.#types.get(typeUrl as HeldType);
    if (held === undefined) return;
    for (const one of resources) held.put(one.name, one as NamedResource);
    if (typeUrl !== SECRET_TYPE) for (const name of removed) held.put(name, undefined);
  }

  /** Resources are asked for no more. */
  forget(type: HeldType, names: readonly string[]): void {
    for (const name of names) this.#types.get(type)!.put(name, undefined);
  }

  /** By name the version of each resource of a type. */
  versions(type: HeldType): ReadonlyMap<string, string> {
    return new Map(this.list(type).map(({ name, version }) => [name, version]));
  }

  /** The resources of a type in order of their names. */
  list(type: HeldType): readonly NamedResource[] {
    return this.#types.get(type)!.list;
  }

  /** All of it. */
  get set(): ResourceSet {
    const lists = Object.fromEntries(HELD_TYPES.map((type) => [LISTS[type], this.list(type)]));
    const version = hashText([...this.#types.values()].map(({ version }) => version).join());
    return { ...(lists as unknown as Omit<ResourceSet, "version">), version };
  }
}
