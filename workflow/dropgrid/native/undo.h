/* Forgets a kind of vector, so that the next one can be. */
#undef NAME
#undef WIDE
#undef FMA
#undef KEEP
#undef LEAST
#undef MOST
#undef ALL
#undef SQRT
#undef LOW
#undef HIGH
#undef EVEN
#undef ODD
#undef ROWS
#undef BLOCKS
