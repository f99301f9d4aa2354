/** What came of asking an issuer for its keys: `changed` ones, the `same` as before, or they could not be had. */
export type KeysFound = "changed" | "same" | "failed";
