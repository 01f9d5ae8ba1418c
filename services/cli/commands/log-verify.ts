import type { VerifyReply } from '#contracts/gateway/log-replies.js';
import { type Command, exitCodes } from '../command.js';

/** `berth log verify`: whether every commit follows the one it says it follows. */
export const logVerify: Command = async ({ api, options, print }) => {
  const report = await api.get<VerifyReply>('/berth/log/verify');
  if (options.json) print(JSON.stringify(report));
  else if (report.broken.length === 0) print(`the log is whole: ${report.commits} commits of ${report.subjects} aggregates, each chained to the one before`);
  else for (const { subject, position, reason } of report.broken) print(`position ${position}, ${subject}: ${reason}`);
  return report.broken.length === 0 ? exitCodes.ok : exitCodes.no;
};
