/** Causes of traps, as `mcause` has them; an interrupt's has the upper bit. */
export const causes = {
  fetchMisaligned: 0,
  fetchFault: 1,
  illegalInstruction: 2,
  breakpoint: 3,
  loadFault: 5,
  storeFault: 7,
  userCall: 8,
  machineCall: 11,
  /** At a page that the control program has guarded; in the numbers that RISC-V leaves to implementations. */
  fetchGuard: 24,
  loadGuard: 25,
  storeGuard: 26,
  timerInterrupt: (1 << 31) | 7,
  externalInterrupt: (1 << 31) | 11,
} as const;
