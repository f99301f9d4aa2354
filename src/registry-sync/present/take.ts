import { printServiceKey, type ServiceKey } from "../../model/service.ts";
import { anyOf } from "../patterns.ts";

/** What of a registry is led through the proxy; names are exact, or have `*` for any run of characters. */
export interface TakeFilter {
  /** Interfaces, or whole keys `group/interface:version`. */
  readonly services: readonly string[];
  /** Provider applications. */
  readonly applications: readonly string[];
}

/** Takes everything. */
export const TAKE_ALL: TakeFilter = { services: ["*"], applications: ["*"] };

/** Which consumers see real addresses again by an operator's wish. */
export interface Bypass {
  readonly all: boolean;
  /** Interfaces, or whole keys; `*` allowed as in {@link TakeFilter}. */
  readonly services: readonly string[];
}

/** What decides which services are led. */
export interface TakeOptions {
  readonly take?: TakeFilter;
  readonly bypass?: Bypass;
  /** Services whose real addresses are shown although `take` takes them; names as in {@link TakeFilter}. */
  readonly pass?: readonly string[];
}

/** Compiles a test which says why a service of a provider application is not to be led; undefined where it is. */
export function compileTake({ take = TAKE_ALL, bypass, pass }: TakeOptions) {
  const takesService = anyOf(take.services);
  const takesApplication = anyOf(take.applications);
  const bypassed = anyOf([...(bypass?.services ?? []), ...(pass ?? [])]);
  const all = bypass?.all === true;
  return (service: ServiceKey, application: string, key = printServiceKey(service)): string | undefined => {
    const { interface: name } = service;
    if (all || bypassed(name) || bypassed(key)) return "bypassed";
    if (!takesService(name) && !takesService(key)) return "not taken by the service filter";
    return takesApplication(application) ? undefined : "not taken by the application filter";
  };
}
