/** "executor launch-task" of "berth.command.executor.launch-task". */
export function spanName(subject: string): string {
  const [, , service = subject, request = ''] = subject.split('.');
  return `${service} ${request}`;
}
