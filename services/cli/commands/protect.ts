import type { ProtectionReply } from '#contracts/gateway/log-replies.js';
import { invalid } from '#libs/errors/errors.js';
import { type Command, exitCodes } from '../command.js';
import { eachOf } from '../each-of.js';
import { printable } from '../text-table.js';

/** `berth protect X…` and `berth unprotect X…`: whether containers may be removed. Again is nothing, and no failure. */
const changing = (word: 'protect' | 'unprotect'): Command => async ({ api, words, options, print }) => {
  if (words.length === 0) throw invalid(`usage: berth ${word} NAME|ID…`);
  await eachOf(words, async (wanted) => {
    const reply = await api.post<ProtectionReply>(`/berth/containers/${encodeURIComponent(wanted)}/${word}`);
    print(options.json ? JSON.stringify(reply) : `${printable(wanted)} is ${reply.changed ? '' : 'already '}${word}ed${word === 'protect' ? ': nobody can remove it' : ''}`);
  });
  return exitCodes.ok;
};

export const protect = changing('protect');
export const unprotect = changing('unprotect');
