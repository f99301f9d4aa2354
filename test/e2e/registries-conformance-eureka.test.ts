import { eurekaKind } from "../conformance/facades/eureka.ts";
import { describeFacade } from "../conformance/facades/run.ts";
import { describeKill, sharedRegistry } from "../conformance/shared-registry.ts";
import { eurekaList, startEurekaRegistry } from "../conformance/sources/eureka.ts";
import { describeSources } from "../conformance/sources/run.ts";

// The lists of all sources and of all facades over a real Eureka server, read and used in JSON and in XML.
const registry = sharedRegistry(startEurekaRegistry);
const sources = describeSources("eureka", ["json", "xml"], registry, { lists: { json: eurekaList, xml: eurekaList } });
const users = describeFacade("eureka", eurekaKind, registry);
describeKill(registry, [sources, users]);
