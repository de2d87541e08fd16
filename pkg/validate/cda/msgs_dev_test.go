package cda
import ("testing";"fmt";"os";"strings";"path/filepath";"sort")
func TestMsgsDev(t *testing.T){
 b,_:=os.ReadFile("/tmp/cdaval/docs.txt"); v:=New(); cnt:=map[string]int{}
 for f:=range strings.Lines(string(b)) { src,_:=os.ReadFile(filepath.Join("/work/shared/corpus/ccda",strings.TrimSpace(f)))
  for _,x:=range v.Document(src,f).Findings { cnt[string(x.ID)+" "+x.What]++ } }
 var l []string; for k:=range cnt { l=append(l,k) }; sort.Strings(l)
 for _,k:=range l { fmt.Println(cnt[k],k) }
}
