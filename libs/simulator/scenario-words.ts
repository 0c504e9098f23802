/** A line that cannot be read; caught at the line, where its number is known. */
export class Unreadable extends Error {}

/** The words of a line, taken one by one; each taker says what it expected. */
export class Words {
  private index = 0;

  constructor(private readonly words: readonly string[]) {}

  done(): boolean {
    return this.index >= this.words.length;
  }

  peek(): string | undefined {
    return this.words[this.index];
  }

  word(expected: string): string {
    const word = this.words[this.index++];
    if (word === undefined) throw new Unreadable(`expected ${expected}, found the end of the line`);
    return word;
  }

  number(expected: string): number {
    const word = this.word(expected);
    if (!/^\d+(\.\d+)?$/.test(word)) throw new Unreadable(`expected ${expected}, a number, found "${word}"`);
    return Number(word);
  }

  between(least: number, most: number): number {
    const value = this.number(`a number from ${least} to ${most}`);
    if (value < least || value > most)
      throw new Unreadable(`expected a number from ${least} to ${most}, found ${value}`);
    return value;
  }

  oneOf<Choice extends string>(choices: readonly Choice[]): Choice {
    const word = this.word(choices.join(', '));
    const choice = choices.find((each) => each === word);
    if (choice === undefined) throw new Unreadable(`expected ${choices.join(', ')}, found "${word}"`);
    return choice;
  }

  known(kind: string, names: readonly string[]): string {
    const word = this.word(`a ${kind}`);
    if (!names.includes(word))
      throw new Unreadable(`expected a ${kind} (${names.join(', ') || 'none was named above'}), found "${word}"`);
    return word;
  }

  /** Names up to the next word that is none. */
  several(kind: string, names: readonly string[]): string[] {
    const found = [this.known(kind, names)];
    while (names.includes(this.peek() ?? '')) found.push(this.word(kind));
    return found;
  }

  end(): void {
    if (!this.done()) throw new Unreadable(`expected the end of the line, found "${this.peek()}"`);
  }
}

export interface Names {
  readonly hosts: readonly string[];
  readonly guests: readonly string[];
  /** Later lines may speak of a guest that is made on this one. */
  make(guest: string): void;
}
