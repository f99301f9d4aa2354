import { readFileSync } from "node:fs";
import { join } from "node:path";

/** fixtures/rest/orders.yaml for a service at this address and port 8080. */
export function restRule(address: string): string {
  return readFileSync(join(import.meta.dirname, "../../fixtures/rest/orders.yaml"), "utf8").replace("ADDRESS", address);
}
