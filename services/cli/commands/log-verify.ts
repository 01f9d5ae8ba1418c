import type { VerifyReply } from '#contracts/gateway/log-replies.js';
import { type Command, exitCodes } from '../command.js';
import { positionOf } from '../position.js';

/** `berth log verify [--from POSITION]`: whether every commit follows the one it says it follows. Whoever keeps the position that it tells goes on there the next time. */
export const logVerify: Command = async ({ api, options, print }) => {
  const from = positionOf(options.from);
  const report = await api.get<VerifyReply>(`/berth/log/verify${from === 0 ? '' : `?from=${from}`}`);
  if (options.json) print(JSON.stringify(report));
  else if (report.broken.length === 0) print(`the log is whole${from === 0 ? '' : ` after position ${from}`}: ${report.commits} commits of ${report.subjects} aggregates, each chained to the one before, up to position ${report.position}`);
  else for (const { subject, position, reason } of report.broken) print(`position ${position}, ${subject}: ${reason}`);
  return report.broken.length === 0 ? exitCodes.ok : exitCodes.no;
};
