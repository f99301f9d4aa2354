import type { JavaSchema } from "../codecs/java-schema.ts";
import type { ServiceSchema } from "../model/schema.ts";
import type { ServiceKey } from "../model/service.ts";
import type { IdentityOf } from "./authz/vouched.ts";
import type { RouteTable } from "./route.ts";

/** Configuration in force; replaced whole, so that its identity tells whether something derived from it is stale. */
export interface RuntimeConfig {
  readonly routes: RouteTable;
  /** Which application registered as a consumer from an address; undefined where none or several did. */
  applicationOf(address: string): string | undefined;
  /** Whose calls come from an address without a certificate; absent where that is nobody's. */
  readonly identityOf?: IdentityOf | undefined;
  /** The tag that all consumers of a service registered with from an address; `""` where there is none. */
  tagOf(address: string, service: ServiceKey): string;
  /** What all consumers of a service that registered from an address said, of the parameters that its routers ask for. */
  callerOf(address: string, service: ServiceKey): Readonly<Record<string, string>> | undefined;
  /** What is known of the types of an interface's calls. */
  schemaOf(interfaceName: string): ServiceSchema | undefined;
  /** What the provider behind an inbound listener is known to serve of an interface; absent for all other callers, and where no policy asks. */
  servedOf?(interfaceName: string): readonly ServiceKey[];
  /** The Java classes that any of the interfaces' metadata describes. */
  classes(): JavaSchema;
}
