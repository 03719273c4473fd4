// An object that structure.weak_symbols must refuse: its inline function is a weak symbol.
inline int twice(int x) { return 2 * x; }
int (*const ondol_sample_of_a_weak_symbol)(int) = twice;
int call_it(int x) { return ondol_sample_of_a_weak_symbol(x) + (*&twice)(x); }
