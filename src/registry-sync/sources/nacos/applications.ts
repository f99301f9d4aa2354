import { printAddress } from "../../../base/address.ts";
import { BlockList, sameItems } from "../../../base/block-list.ts";
import type { NacosInstance, NacosServiceInfo } from "../../../codecs/nacos/service-info.ts";
import type { Application, ApplicationInstance } from "../../../model/application.ts";
import type { Finding } from "../../../model/entry.ts";
import { type BuiltApplication, buildApplication } from "../../application/application.ts";
import { type InstanceReading, readInstance } from "../../application/instance.ts";
import type { ApplicationOffer } from "../../application/offers.ts";
import type { Revisions } from "../../application/revisions.ts";
import { isOut, weightOf } from "./instances.ts";
import { isDubboInstance } from "./plain-service.ts";

/** What is asked of who knows revisions. */
export type KnownRevisions = Pick<Revisions, "services" | "failure" | "follow">;

/** The instances of one Nacos service that are Dubbo's, read. */
interface ReadService {
  readonly isProtected: boolean;
  readonly made: ReadonlyMap<NacosInstance, InstanceReading>;
}

const MAX_FAULTS = 10;
const NO_OFFERS: ReadonlyMap<string, readonly ApplicationOffer[]> = new Map();

/** The applications of Dubbo's application level that a Nacos holds: an application is the service of its name, in whatever groups. Pure state. */
export class NacosApplications {
  readonly #revisions: KnownRevisions;
  readonly #findings: BlockList<Finding>;
  /** Application to what was read of its services, by key. */
  readonly #read = new Map<string, Map<string, ReadService>>();
  readonly #built = new Map<string, BuiltApplication>();
  readonly #list = new BlockList<Application>();
  /** Interface to the offers of each application. */
  readonly #offers = new Map<string, Map<string, readonly ApplicationOffer[]>>();

  /** Findings on applications go to `findings`. */
  constructor(revisions: KnownRevisions, findings: BlockList<Finding>) {
    this.#revisions = revisions;
    this.#findings = findings;
  }

  /** Sorted by name; the same array as before while nothing changed. */
  get list(): readonly Application[] {
    return this.#list.get();
  }

  /** What all instances offer of an interface. */
  offersOf(interfaceName: string): readonly ApplicationOffer[] {
    return [...(this.#offers.get(interfaceName)?.values() ?? [])].flat();
  }

  /** Takes one Nacos service. Says whether an application may be another now: {@link NacosApplications.rebuild} is due. */
  take(key: string, name: string, info: NacosServiceInfo | undefined): boolean {
    const ofName = this.#read.get(name);
    const before = ofName?.get(key);
    const isProtected = info?.reachProtectionThreshold ?? false;
    const made = new Map<NacosInstance, InstanceReading>();
    for (const instance of info?.hosts ?? []) {
      if (!isDubboInstance(instance)) continue;
      const known = before?.isProtected === isProtected ? before.made.get(instance) : undefined;
      made.set(instance, known ?? readOne(instance, isProtected));
    }
    if (made.size === 0) {
      ofName?.delete(key);
      if (ofName?.size === 0) this.#read.delete(name);
      return before !== undefined;
    }
    this.#read.set(name, (ofName ?? new Map<string, ReadService>()).set(key, { isProtected, made }));
    return true;
  }

  /** Builds an application anew. Interfaces of which it offers something else than before go into `touched`. Says whether it changed. */
  rebuild(name: string, touched: Set<string>): boolean {
    const before = this.#built.get(name);
    const services = this.#read.get(name);
    if (services === undefined && before === undefined) return false;
    const { instances, faults } = instancesOf(services?.values() ?? []);
    const built = buildApplication({ name, instances, faults, at: name }, this.#revisions, before);
    if (services === undefined) this.#built.delete(name);
    else this.#built.set(name, built);
    this.#revisions.follow(name, built.wanted);
    if (built === before) return false;
    const was = before?.offers.byInterface ?? NO_OFFERS;
    const is = built.offers.byInterface;
    for (const one of new Set([...was.keys(), ...is.keys()])) {
      const offers = is.get(one);
      if (sameItems(was.get(one) ?? [], offers ?? [])) continue;
      const ofInterface = this.#offers.get(one) ?? new Map<string, readonly ApplicationOffer[]>();
      if (offers === undefined) ofInterface.delete(name);
      else ofInterface.set(name, offers);
      if (ofInterface.size === 0) this.#offers.delete(one);
      else this.#offers.set(one, ofInterface);
      touched.add(one);
    }
    const isListed = this.#list.replace(name, built.application.instances.length > 0 ? [built.application] : []);
    return this.#findings.replace(`instances ${name}`, built.findings) || isListed;
  }
}

function readOne(instance: NacosInstance, isProtected: boolean): InstanceReading {
  const { ip, port, metadata } = instance;
  const weight = weightOf(instance);
  return readInstance({
    ...{ id: printAddress(ip, port), address: ip, port, metadata },
    weight: weight === 0 ? 0 : Math.max(1, Math.round(weight * 100)),
    disabled: isOut(instance, isProtected),
  });
}

/** Of one that stands in several groups or clusters the one that takes calls counts. */
function instancesOf(services: Iterable<ReadService>) {
  const byId = new Map<string, ApplicationInstance>();
  const faults: string[] = [];
  for (const { made } of services) {
    for (const [{ ip, port }, reading] of made) {
      if (reading.type === "fault" && faults.length < MAX_FAULTS) faults.push(`${ip}:${port}: ${reading.message}`);
      if (reading.type !== "instance") continue;
      const other = byId.get(reading.instance.id);
      if (other === undefined || (other.disabled && !reading.instance.disabled)) {
        byId.set(reading.instance.id, reading.instance);
      }
    }
  }
  return { instances: [...byId.values()], faults };
}
