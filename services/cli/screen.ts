/** A terminal that shows one picture at a time, and has what it had before when it is closed. */
export class Screen {
  private isOpen = false;

  constructor(private readonly terminal: NodeJS.WriteStream) {}

  open(): void {
    this.isOpen = true;
    this.terminal.write('\u001b[?1049h\u001b[?25l');
  }

  /** Cut to what fits. */
  show(lines: readonly string[]): void {
    if (!this.isOpen) return;
    const { rows = 24, columns = 80 } = this.terminal;
    const fitting = lines.slice(0, rows - 1).map((line) => line.slice(0, columns));
    this.terminal.write(`\u001b[H${fitting.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`);
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.terminal.write('\u001b[?25h\u001b[?1049l');
  }
}
