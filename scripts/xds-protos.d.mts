/** Folders that imports start from. */
export const PROTO_PATHS: readonly string[];
/** The module that is written. */
export const DESCRIPTORS: string;
/** What is asked for, as imports name it. */
export const PROTO_FILES: readonly string[];
/** Stands in the module's first line: what it was made from. */
export function descriptorsKey(): string;
/** Writes the module unless it is there and was made from what is here now. */
export function ensureDescriptors(): void;
