import { REDACTED } from "../../control/admin/sources.ts";
import type { TrestleConfig } from "./config.ts";

/** The configuration as it may be shown: passwords stand as `[redacted]`, wherever there are any. */
export function configWithoutSecrets(config: TrestleConfig): TrestleConfig {
  return JSON.parse(JSON.stringify(config), (key, value) =>
    key === "password" && typeof value === "string" && value !== "" ? REDACTED : value,
  );
}
