import { nacosKind } from "../conformance/facades/nacos.ts";
import { describeFacade } from "../conformance/facades/run.ts";
import { describeKill, sharedRegistry } from "../conformance/shared-registry.ts";
import { nacosList, startNacosRegistry } from "../conformance/sources/nacos.ts";
import { describeSources } from "../conformance/sources/run.ts";

// The lists of all sources and of all facades over a real Nacos 2.3.2, read and used by gRPC and by HTTP.
const registry = sharedRegistry(startNacosRegistry);
const sources = describeSources("nacos", ["grpc", "http"], registry, { lists: { http: nacosList } });
const users = describeFacade("nacos", nacosKind, registry);
describeKill(registry, [sources, users]);
