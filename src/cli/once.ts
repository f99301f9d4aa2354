import type { Command } from "commander";

/**
 * Has a command refuse an option with one value that is given more than once, of which the last would win in silence; options that gather
 * their values, and those without one, may be repeated. The line names the option, by `command.error`. Gives the command.
 */
export function refuseTwice(command: Command): Command {
  const counts = new Map<string, number>();
  for (const option of command.options) {
    if (!option.required && !option.optional) continue;
    command.on(`option:${option.name()}`, () => counts.set(option.name(), (counts.get(option.name()) ?? 0) + 1));
  }
  command.hook("preAction", () => {
    for (const option of command.options) {
      const count = counts.get(option.name()) ?? 0;
      if (count > 1 && !Array.isArray(command.getOptionValue(option.attributeName())))
        command.error(`error: option '${option.flags}' is given ${count} times; it may stand once`);
    }
  });
  return command;
}
