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
  timerInterrupt: (1 << 31) | 7,
  externalInterrupt: (1 << 31) | 11,
} as const;
