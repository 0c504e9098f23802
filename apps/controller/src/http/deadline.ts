/** What the work gives, or `late` when it takes longer. The work itself goes on: its failure after that is nobody's. */
export async function withDeadline<Value, Late>(work: Promise<Value>, deadlineMs: number, late: Late) {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<Late>((resolve) => {
    timer = setTimeout(() => resolve(late), deadlineMs);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
