import type { RawApplication, RawInstance } from "../../codecs/eureka/document.ts";
import { type EurekaInstance, readEurekaInstance } from "../../codecs/eureka/instance.ts";
import { serviceNamesOf, spellingOf } from "../../codecs/eureka/services.ts";
import { type EurekaStatus, eurekaStatus } from "../../codecs/eureka/status.ts";
import { serviceKey } from "../../model/service.ts";
import type { PresentContext } from "./context.ts";
import { elsewhereInstance, ledInstance, ledInstanceId, ownInstance, type RealInstance } from "./eureka-instance.ts";
import type { HttpService } from "./http-services.ts";
import { placeOf, type ShownPlace } from "./shown-place.ts";

/** One instance of what a client is shown. */
export interface ShownInstance {
  readonly app: string;
  readonly id: string;
  /** As clients count it. */
  readonly status: EurekaStatus;
  readonly raw: RawInstance;
}

/** What a client is shown of a registry. */
export interface ShownList {
  /** By `APP/id`, applications together. */
  readonly instances: ReadonlyMap<string, ShownInstance>;
  /** Real instances that are not among them, by `APP/id`: their application's calls go to the proxy instead. */
  readonly hidden: ReadonlyMap<string, HiddenInstance>;
}

/** A real instance in whose place clients are shown the proxy. */
export interface HiddenInstance extends RealInstance {
  readonly place: ShownPlace;
  /** `APP/id` of the instance that is shown in its place. */
  readonly shownAs: string;
}

/** The part of a {@link PresentContext} that lists of Eureka are made by. */
export type EurekaContext = Pick<
  PresentContext,
  "httpAddressOf" | "httpElsewhere" | "httpNames" | "httpServiceOf" | "isHolding" | "namesAsHosts"
>;

/** A list as the registry has it. */
export function realList(applications: readonly RawApplication[]): ShownList {
  const instances = new Map<string, ShownInstance>();
  for (const { name, instances: all } of applications) {
    for (const raw of all) put(instances, name, raw, readEurekaInstance(raw, name)?.id ?? "");
  }
  return { instances, hidden: new Map() };
}

/**
 * What clients are shown of a list: each service that is led, once for each application that has it, at its port of the proxy; all
 * else as it is; and beside it what is led under names that this list does not have: what the guard holds of a registry that was
 * started anew and knows nobody yet, and what other registries have. An instance of several services of which some are led stays for
 * the others. Pure.
 */
export function presentEureka(applications: readonly RawApplication[], context: EurekaContext): ShownList {
  let known = memory.get(applications);
  if (known === undefined) {
    known = { ...readList(applications), shown: undefined };
    memory.set(applications, known);
  }
  const places = placesOf(known.members, context);
  const isAlone = context.isHolding || known.taken.size === 0;
  // What the guard holds is not compared: it is shown for moments.
  const basis = isAlone ? undefined : JSON.stringify([[...places], context.namesAsHosts, context.httpElsewhere]);
  if (basis !== undefined && known.shown?.basis === basis) return known.shown.list;
  const list = listOf(known, places, context);
  known.shown = basis === undefined ? undefined : { basis, list };
  return list;
}

type Places = ReadonlyMap<string, { readonly place: ShownPlace; readonly spelled: string }>;

/** What of a registry's answer does not depend on the context. */
interface ReadList {
  readonly real: readonly {
    readonly name: string;
    readonly instances: readonly { readonly raw: RawInstance; readonly read: EurekaInstance | undefined }[];
  }[];
  /** By each name in lower case. */
  readonly members: ReadonlyMap<string, readonly EurekaInstance[]>;
  /** Names of applications and services, in lower case. */
  readonly taken: ReadonlySet<string>;
}

/**
 * What was read of an answer, and what was shown of it last: contexts come with each change anywhere in the mesh, and most say the same
 * of a list. Forgotten with the answer.
 */
const memory = new WeakMap<
  readonly RawApplication[],
  ReadList & { shown: { readonly basis: string; readonly list: ShownList } | undefined }
>();

function readList(applications: readonly RawApplication[]): ReadList {
  const members = new Map<string, EurekaInstance[]>();
  const taken = new Set<string>();
  const real = applications.map(({ name, instances }) => {
    taken.add(name.toLowerCase());
    return { name, instances: instances.map((raw) => ({ raw, read: readEurekaInstance(raw, name) })) };
  });
  for (const { instances } of real) {
    for (const { read } of instances) {
      for (const spelled of read === undefined ? [] : serviceNamesOf(read)) {
        const name = spelled.toLowerCase();
        taken.add(name);
        const all = members.get(name);
        if (all === undefined) members.set(name, [read!]);
        else all.push(read!);
      }
    }
  }
  return { real, members, taken };
}

function listOf({ real, taken: names }: ReadList, places: Places, context: EurekaContext): ShownList {
  const shown = new Map<string, ShownInstance>();
  const hidden = new Map<string, HiddenInstance>();
  for (const { name, instances } of real) {
    const led = new Map<string, RealInstance[]>();
    for (const { raw, read } of instances) {
      if (read === undefined) continue;
      const names = serviceNamesOf(read).map((spelled) => spelled.toLowerCase());
      const others = names.filter((one) => !places.has(one));
      if (others.length === names.length) {
        put(shown, name, raw, read.id);
        continue;
      }
      for (const one of names) {
        if (!places.has(one)) continue;
        const members = led.get(one);
        if (members === undefined) led.set(one, [{ raw, read }]);
        else members.push({ raw, read });
      }
      if (others.length > 0)
        put(shown, name, withoutNames(raw, new Set(names.filter((one) => places.has(one)))), read.id);
      else {
        const { place, spelled } = places.get(names[0]!)!;
        hidden.set(keyOf(name, read.id), { raw, read, place, shownAs: keyOf(name, ledInstanceId(spelled)) });
      }
    }
    for (const [one, members] of led) {
      const { place, spelled } = places.get(one)!;
      put(shown, name, ledInstance(spelled, members, place), ledInstanceId(spelled));
    }
  }
  const taken = new Set(names);
  // Before the guard hears of it, a server that was started anew is known by its knowing nobody.
  if (context.isHolding || taken.size === 0) addHeld(shown, taken, context);
  addElsewhere(shown, taken, context);
  return { instances: shown, hidden };
}

/**
 * The list as an application sees it that registered the instances `own` (`APP/id`): in the place of what stands for its service it
 * finds itself, by its own id and status, at the proxy.
 */
export function withOwn(list: ShownList, own: Iterable<string>): ShownList {
  const instances = new Map(list.instances);
  for (const key of own) {
    const hidden = list.hidden.get(key);
    if (hidden === undefined) continue;
    const { read, place, shownAs } = hidden;
    if (read.status === "UP") instances.delete(shownAs);
    put(instances, read.app, ownInstance(hidden, place), read.id);
  }
  return { instances, hidden: list.hidden };
}

/**
 * The names that are led, in lower case, each with its spelling and its place. Spelled as the mesh knows the service, which also goes by
 * instances that this list lacks; one that it does not know yet is spelled by the list.
 */
function placesOf(members: ReadList["members"], context: EurekaContext): Places {
  const known = new Map(context.httpNames.map((name) => [name.toLowerCase(), name]));
  const places = new Map<string, { place: ShownPlace; spelled: string }>();
  for (const [name, all] of members) {
    for (const spelled of [known.get(name) ?? name, spellingOf(name, all)]) {
      const address = context.httpAddressOf(serviceKey(spelled));
      if (address === undefined) continue;
      places.set(name, { place: placeOf(address, spelled, context), spelled });
      break;
    }
  }
  return places;
}

/** What the registry's list has not, and the guard still holds. */
function addHeld(shown: Map<string, ShownInstance>, taken: Set<string>, context: EurekaContext): void {
  const { httpNames, httpServiceOf, httpAddressOf } = context;
  for (const name of httpNames) {
    if (taken.has(name.toLowerCase())) continue;
    const address = httpAddressOf(serviceKey(name));
    const service = httpServiceOf(name);
    if (address === undefined || service === undefined) continue;
    taken.add(name.toLowerCase());
    putStandIn(shown, name, service, placeOf(address, name, context));
  }
}

/** Names of no group first: another group's service has its plain name only where nobody else has it. */
function addElsewhere(shown: Map<string, ShownInstance>, taken: Set<string>, context: EurekaContext): void {
  const { httpElsewhere } = context;
  if (httpElsewhere.length === 0) return;
  const plain = httpElsewhere.filter(({ service }) => service.group === "");
  for (const one of [...plain, ...httpElsewhere.filter(({ service }) => service.group !== "")]) {
    const name = one.service.interface;
    if (taken.has(name.toLowerCase())) continue;
    taken.add(name.toLowerCase());
    putStandIn(shown, name, one, placeOf(one.address, name, context));
  }
}

/** One instance for a service of which the list has none. */
function putStandIn(
  shown: Map<string, ShownInstance>,
  name: string,
  { metadata, isUp }: HttpService,
  place: ShownPlace,
): void {
  put(shown, name.toUpperCase(), elsewhereInstance(name, metadata, isUp ? "UP" : "DOWN", place), ledInstanceId(name));
}

function withoutNames(raw: RawInstance, led: ReadonlySet<string>): RawInstance {
  const rest = (value: unknown) =>
    `${value ?? ""}`
      .split(",")
      .filter((name) => name.trim() !== "" && !led.has(name.trim().toLowerCase()))
      .join(",");
  return { ...raw, vipAddress: rest(raw["vipAddress"]), secureVipAddress: rest(raw["secureVipAddress"]) };
}

function put(shown: Map<string, ShownInstance>, app: string, raw: RawInstance, id: string): void {
  shown.set(keyOf(app, id), { app, id, status: eurekaStatus(raw["status"] ?? "UP"), raw });
}

function keyOf(app: string, id: string): string {
  return `${app}/${id}`;
}
