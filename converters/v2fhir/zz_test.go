package v2fhir
import ("testing";"os";"fmt";"github.com/chartpost/chartpost/pkg/mapping/maptest";"github.com/chartpost/chartpost/pkg/mapping")
func TestZZ(t *testing.T){
 m:=builtin(t)
 b,_:=os.ReadFile(os.Getenv("ZZ"))
 k:=kit(m,os.Getenv("ZT"))
 doc,_:=k.Parse(b)
 rec,_:=m.ToFHIR(os.Getenv("ZT"),"Bundle",doc,mapping.ReadOptions{Key:"test",Facility:"test"})
 again,_:=maptest.Rebuild(rec)
 back,_:=m.FromFHIR(os.Getenv("ZT"),"Bundle",again)
 out:=k.Print(back)
 fmt.Println(string(out))
 d2,_:=k.Parse(out)
 rec2,_:=m.ToFHIR(os.Getenv("ZT"),"Bundle",d2,mapping.ReadOptions{Key:"test",Facility:"test"})
 a,_:=maptest.Lines(rec); c,_:=maptest.Lines(rec2)
 for i:=range a { if i>=len(c)||a[i]!=c[i]{ fmt.Println("-",a[i]); if i<len(c){fmt.Println("+",c[i])}}}
}
