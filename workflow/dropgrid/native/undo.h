/* Undefine the macros of a kind of vector, before the next kind. */
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
