const answerDeadlineMs = 2_000;

/** Any answer will do: it is the way there that is asked for. */
export async function controllerAnswers(urls: readonly string[]): Promise<boolean> {
  const asked = urls.map(async (url) => {
    await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(answerDeadlineMs) });
    return true;
  });
  return Promise.any(asked).catch(() => false);
}
