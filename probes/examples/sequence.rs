fn main(){ limpid_probes::line::fire(c"a".as_ptr(),c"b".as_ptr(),3) }
