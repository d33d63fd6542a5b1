// What a thread looks at from time to time, in one wake-up a second for all of it: to wake up costs an idle machine more than
// the looks do.

const BEAT_MS = 1000;

interface Look {
  readonly everyBeats: number;
  readonly look: () => void;
  beatsLeft: number;
}

const looks = new Set<Look>();
let timer: NodeJS.Timeout | undefined;

/**
 * Calls `look` every so many seconds, for the first time up to a second sooner. Keeps no process alive.
 * @param seconds a whole number from 1 on
 * @returns a function that ends it
 */
export function everySeconds(seconds: number, look: () => void): () => void {
  const added: Look = { everyBeats: seconds, look, beatsLeft: seconds };
  looks.add(added);
  timer ??= setInterval(beat, BEAT_MS).unref();
  return () => {
    looks.delete(added);
    if (looks.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function beat(): void {
  for (const each of [...looks]) {
    // One before it may have ended it.
    if (!looks.has(each)) continue;
    each.beatsLeft -= 1;
    if (each.beatsLeft > 0) continue;
    each.beatsLeft = each.everyBeats;
    each.look();
  }
}
