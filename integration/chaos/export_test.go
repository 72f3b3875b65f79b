package chaos

// Foreign is foreign.
var Foreign = foreign
